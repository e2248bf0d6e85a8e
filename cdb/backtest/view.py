"""What a backtest shows on a terminal."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from cdb.backtest.run import Backtest
from cdb.kit.figures import moment, money, percent, seconds
from cdb.kit.output import console, plain_table
from cdb.replay.view import decided, details
from services.clock import to_datetime
from services.performance.equity import Drawdown
from services.performance.figures import values
from services.performance.trades import TradeFigures

T = TypeVar("T")

FIGURES_OF_A_GROUP: Final = ("trades", "won", "profit factor", "median duration", "result", "fees")


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
        "performance": values(result.figures),
        "fees": result.fees,
        "max_drawdown": result.equity.max_drawdown,
        "drawdown": _drawdown(result.equity.deepest),
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
    yield "closed trades", f"{figures.trades:,}"
    yield "won", _or_dash(figures.win_rate, percent)
    yield "profit factor", _or_dash(figures.profit_factor, "{:.2f}".format)
    yield "result of a trade, on average", _or_dash(figures.expectancy, money)
    yield "duration, mean and median", f"{_lasted(figures.mean_duration_s)}, {_lasted(figures.median_duration_s)}"
    yield "result of closed trades", money(figures.result)
    yield "fees", money(result.fees)
    yield "unrealised", money(summary.unrealised_pnl)
    yield "equity", money(summary.equity)
    yield "maximum drawdown", _or_dash(result.equity.max_drawdown, percent)
    if (fall := result.equity.deepest) is not None:
        yield "from the peak", f"{money(fall.peak.equity)} at {moment(fall.peak.at)}"
        yield "to the trough", f"{money(fall.trough.equity)} at {moment(fall.trough.at)}"
        yield "recovered at", moment(fall.recovered_at) if fall.recovered_at else "not yet"
    yield "exposure, mean and largest", f"{percent(curve.mean_exposure)}, {percent(curve.most_exposure)}"


def _groups(title: str, groups: dict[str, TradeFigures]) -> Any:
    table = plain_table(title)
    for name in FIGURES_OF_A_GROUP:
        table.add_column(name, justify="right")
    for row in group_rows(groups):
        table.add_row(*row)
    return table


def group_rows(groups: dict[str, TradeFigures]) -> Iterator[tuple[str, ...]]:
    """Yield each group's name and its FIGURES_OF_A_GROUP."""
    for group, found in groups.items():
        yield (
            group,
            f"{found.trades:,}",
            _or_dash(found.win_rate, percent),
            _or_dash(found.profit_factor, "{:.2f}".format),
            _lasted(found.median_duration_s),
            money(found.result),
            money(found.fees),
        )


def _drawdown(fall: Drawdown | None) -> dict[str, Any] | None:
    if fall is None:
        return None
    return {
        "depth": fall.depth,
        "peak": fall.peak._asdict(),
        "trough": fall.trough._asdict(),
        "recovered_at": fall.recovered_at,
    }


def _lasted(duration_s: float | None) -> str:
    return _or_dash(duration_s, seconds)


def _or_dash(value: T | None, shown: Callable[[T], str]) -> str:
    return "-" if value is None else shown(value)
