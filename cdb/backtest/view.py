"""What a backtest shows on a terminal."""

from collections.abc import Iterator
from typing import Any, Final

from cdb.backtest.performance import Figures
from cdb.backtest.run import Backtest
from cdb.kit.figures import moment, money, percent, seconds
from cdb.kit.output import console, plain_table
from cdb.replay.view import decided, details
from services.clock import to_datetime

FIGURES_OF_A_GROUP: Final = ("trades", "won", "mean duration", "result", "fees")


def show(result: Backtest) -> None:
    screen = console()
    table = plain_table(title="Backtest")
    table.add_column()
    table.add_column(justify="right")
    for name, value in lines(result):
        table.add_row(name, value)
    screen.print(table)
    for title, groups in (("Symbol", result.by_symbol), ("Strategy", result.by_strategy)):
        if groups:
            screen.print()
            screen.print(_groups(title, groups))
    for line in details(result.summary):
        screen.print(line, markup=False, soft_wrap=True)
    if result.ended_at_ns:
        screen.print(f"Interrupted: trades until {moment(to_datetime(result.ended_at_ns))} UTC are in this result.")
    if result.summary.ledger:
        screen.print(f"The ledger is saved. Check it: cdb audit --replay {result.summary.ledger}")


def as_json(result: Backtest) -> dict[str, Any]:
    curve = result.curve
    return {
        "summary": result.summary,
        "performance": result.figures,
        "fees": result.fees,
        "largest_loss": curve.largest_loss,
        "largest_loss_share": curve.largest_loss_share,
        "mean_exposure_share": curve.mean_exposure,
        "most_exposure_share": curve.most_exposure,
        "by_symbol": result.by_symbol,
        "by_strategy": result.by_strategy,
        "rows_per_second": round(result.rows_per_second),
        "ended_at": to_datetime(result.ended_at_ns) if result.ended_at_ns else None,
    }


def lines(result: Backtest) -> Iterator[tuple[str, str]]:
    """Yield each figure with its name."""
    summary, curve = result.summary, result.curve
    yield "trades of the market", f"{summary.trades_read:,}"
    if summary.refused:
        yield "invalid trades", f"{summary.refused:,}"
    yield "rows per second", f"{result.rows_per_second:,.0f}"
    for name, count in decided(summary).items():
        yield name, f"{count:,}"
    yield "fills", f"{summary.fills:,}"
    yield "of these, stop losses", f"{summary.stop_losses:,}"
    yield "closed trades", f"{result.figures.trades:,}"
    yield "won", _rate(result.figures)
    yield "mean duration", _lasted(result.figures)
    yield "result of closed trades", money(result.figures.result)
    yield "fees", money(result.fees)
    yield "unrealised", money(summary.unrealised_pnl)
    yield "equity", money(summary.equity)
    yield "largest loss from a peak", f"{money(curve.largest_loss)} ({percent(curve.largest_loss_share)})"
    yield "exposure, mean and largest", f"{percent(curve.mean_exposure)}, {percent(curve.most_exposure)}"


def _groups(title: str, groups: dict[str, Figures]) -> Any:
    table = plain_table(title)
    for name in FIGURES_OF_A_GROUP:
        table.add_column(name, justify="right")
    for row in group_rows(groups):
        table.add_row(*row)
    return table


def group_rows(groups: dict[str, Figures]) -> Iterator[tuple[str, ...]]:
    """Yield each group's name and its FIGURES_OF_A_GROUP."""
    for group, found in groups.items():
        yield group, f"{found.trades:,}", _rate(found), _lasted(found), money(found.result), money(found.fees)


def _lasted(figures: Figures) -> str:
    return seconds(figures.mean_seconds) if figures.trades else "-"


def _rate(figures: Figures) -> str:
    return "-" if figures.win_rate is None else percent(figures.win_rate)
