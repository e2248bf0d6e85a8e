"""How figures are named and written for people: those of closed trades, of a drawdown, of each group."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final, TypeVar

from rich.table import Table

from cdb.kit.figures import moment, money, percent, seconds
from cdb.kit.output import plain_table
from cdb.kit.printable import printable
from services.performance.equity import Drawdown, EquityCurve
from services.performance.trades import TradeFigures

T = TypeVar("T")

FIGURES_OF_A_GROUP: Final = ("trades", "won", "profit factor", "median duration", "result", "fees")


def trade_lines(figures: TradeFigures) -> Iterator[tuple[str, str]]:
    """Yield each figure of closed trades with its name."""
    yield "closed trades", f"{figures.trades:,}"
    yield "won", or_dash(figures.win_rate, percent)
    yield "profit factor", or_dash(figures.profit_factor, ratio)
    yield "result of a trade, on average", or_dash(figures.expectancy, money)
    yield "duration, mean and median", f"{lasted(figures.mean_duration_s)}, {lasted(figures.median_duration_s)}"
    yield "result of closed trades", money(figures.result)


def drawdown_lines(equity: EquityCurve) -> Iterator[tuple[str, str]]:
    """Yield the maximum drawdown, and from when to when it was."""
    yield "maximum drawdown", or_dash(equity.max_drawdown, percent)
    if (fall := equity.deepest) is not None:
        yield "from the peak", f"{money(fall.peak.equity)} at {moment(fall.peak.at)}"
        yield "to the trough", f"{money(fall.trough.equity)} at {moment(fall.trough.at)}"
        yield "recovered at", moment(fall.recovered_at) if fall.recovered_at else "not yet"


def drawdown_json(fall: Drawdown | None) -> dict[str, Any] | None:
    if fall is None:
        return None
    peak, trough = (mark._asdict() for mark in (fall.peak, fall.trough))
    return {"depth": fall.depth, "peak": peak, "trough": trough, "recovered_at": fall.recovered_at}


def lines_table(title: str, lines: Iterator[tuple[str, str]]) -> Table:
    """A table of figures with their names, for a terminal."""
    table = plain_table(title=title)
    table.add_column()
    table.add_column(justify="right")
    for name, value in lines:
        table.add_row(name, value)
    return table


def groups_table(title: str, groups: dict[str, TradeFigures]) -> Table:
    """A table of groups, for a terminal."""
    table = plain_table(title)
    for name in FIGURES_OF_A_GROUP:
        table.add_column(name, justify="right")
    for name, *cells in group_rows(groups):
        table.add_row(printable(name), *cells)
    return table


def group_rows(groups: dict[str, TradeFigures]) -> Iterator[tuple[str, ...]]:
    """Yield each group's name and its FIGURES_OF_A_GROUP."""
    for group, found in groups.items():
        yield (
            group,
            f"{found.trades:,}",
            or_dash(found.win_rate, percent),
            or_dash(found.profit_factor, ratio),
            lasted(found.median_duration_s),
            money(found.result),
            money(found.fees),
        )


def lasted(duration_s: float | None) -> str:
    return or_dash(duration_s, seconds)


def ratio(value: Decimal | float) -> str:
    return f"{value:.2f}"


def or_dash(value: T | None, shown: Callable[[T], str]) -> str:
    return "-" if value is None else shown(value)
