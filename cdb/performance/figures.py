"""How figures are named and written for people: of closed trades, of equity, of each group."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final, TypeVar

from cdb.kit.figures import moment, money, percent, seconds
from services.performance.equity import Drawdown, EquityCurve
from services.performance.figures import OF_EQUITY
from services.performance.returns import MIN_RETURNS
from services.performance.trades import TradeFigures

T = TypeVar("T")
NOT_ENOUGH: Final = "- (not enough data)"

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


def return_lines(equity: EquityCurve) -> Iterator[tuple[str, str]]:
    """Yield the figures of daily returns."""
    days = len(equity.daily_returns)
    yield "daily returns", f"{days:,}"
    for figure in OF_EQUITY:
        if figure.name == "max_drawdown":
            continue
        value = getattr(equity, figure.name)
        shown = or_dash(value, percent if figure.unit == "share" else ratio)
        yield figure.name.replace("_", " "), NOT_ENOUGH if value is None and days < MIN_RETURNS else shown


def drawdown_json(fall: Drawdown | None) -> dict[str, Any] | None:
    if fall is None:
        return None
    peak, trough = (mark._asdict() for mark in (fall.peak, fall.trough))
    return {"depth": fall.depth, "peak": peak, "trough": trough, "recovered_at": fall.recovered_at}


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
