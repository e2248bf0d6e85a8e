"""What a backtest shows on a terminal."""

from collections.abc import Iterator
from typing import Any

from cdb.backtest.run import Backtest
from cdb.kit.figures import moment, money, percent
from cdb.kit.output import console
from cdb.performance.figures import drawdown_json, drawdown_lines, trade_lines
from cdb.performance.tables import groups_table, lines_table
from cdb.replay.view import decided, details
from services.clock import to_datetime
from services.performance.figures import values


def show(result: Backtest) -> None:
    screen = console()
    screen.print(lines_table("Backtest", lines(result)))
    for title, groups in (("Symbol", result.by_symbol), ("Strategy", result.by_strategy)):
        if groups:
            screen.print()
            screen.print(groups_table(title, groups))
    for line in details(result.summary):
        screen.print(line, markup=False, soft_wrap=True)
    if result.ended_at_ns:
        screen.print(f"Interrupted: trades until {moment(to_datetime(result.ended_at_ns))} UTC are in this result.")
    if result.summary.ledger:
        screen.print(f"The ledger is saved. Check it: cdb audit --replay {result.summary.ledger}")
        screen.print(f"What it earned: cdb report --replay {result.summary.ledger}")


def as_json(result: Backtest) -> dict[str, Any]:
    curve = result.curve
    return {
        "summary": result.summary,
        "performance": values(result.figures),
        "fees": result.fees,
        "max_drawdown": result.equity.max_drawdown,
        "drawdown": drawdown_json(result.equity.deepest),
        "mean_exposure_share": curve.mean_exposure,
        "most_exposure_share": curve.most_exposure,
        "by_symbol": {name: values(figures) for name, figures in result.by_symbol.items()},
        "by_strategy": {name: values(figures) for name, figures in result.by_strategy.items()},
        "rows_per_second": round(result.rows_per_second),
        "ended_at": to_datetime(result.ended_at_ns) if result.ended_at_ns else None,
    }


def lines(result: Backtest) -> Iterator[tuple[str, str]]:
    """Yield each figure with its name."""
    summary, figures, curve = result.summary, result.figures, result.curve
    yield "trades of the market", f"{summary.trades_read:,}"
    if summary.refused:
        yield "invalid trades", f"{summary.refused:,}"
    yield "rows per second", f"{result.rows_per_second:,.0f}"
    for name, count in decided(summary).items():
        yield name, f"{count:,}"
    yield "fills", f"{summary.fills:,}"
    yield "of these, stop losses", f"{summary.stop_losses:,}"
    yield from trade_lines(figures)
    yield "fees", money(result.fees)
    yield "unrealised", money(summary.unrealised_pnl)
    yield "equity", money(summary.equity)
    yield from drawdown_lines(result.equity)
    yield "exposure, mean and largest", f"{percent(curve.mean_exposure)}, {percent(curve.most_exposure)}"
