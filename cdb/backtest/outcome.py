"""One backtest of a grid in figures, and by which of them a grid can be sorted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from cdb.backtest.run import Backtest
from cdb.kit.figures import money, percent

T = TypeVar("T")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `cdb backtest --json` says of one backtest. Money is in the quote asset; shares are fractions.

    *fees* are those of all fills. *problem* says what makes the result incomplete, if anything does.
    """

    trades_read: int
    signals: int
    approved: int
    fills: int
    stop_losses: int
    trades: int
    win_rate: Decimal | None
    result: Decimal
    fees: Decimal
    unrealised_pnl: Decimal
    equity: Decimal
    max_drawdown: Decimal | None
    mean_exposure_share: Decimal
    most_exposure_share: Decimal
    problem: str | None = None


@dataclass(frozen=True)
class Figure:
    """A column of a grid's table. *value* is None where there is none."""

    value: Callable[[Outcome], Any]
    shown: Callable[[Any], str]
    smallest_is_best: bool = False

    def text(self, outcome: Outcome | None) -> str:
        """The value as a person reads it."""
        value = None if outcome is None else self.value(outcome)
        return "-" if value is None else self.shown(value)


FIGURES: Final = {
    "result": Figure(lambda outcome: outcome.result, money),
    "trades": Figure(lambda outcome: outcome.trades, "{:,}".format),
    "won": Figure(lambda outcome: outcome.win_rate, percent),
    "drawdown": Figure(lambda outcome: outcome.max_drawdown, percent, smallest_is_best=True),
    "fees": Figure(lambda outcome: outcome.fees, money, smallest_is_best=True),
    "unrealised": Figure(lambda outcome: outcome.unrealised_pnl, money),
    "equity": Figure(lambda outcome: outcome.equity, money),
    "exposure": Figure(lambda outcome: outcome.mean_exposure_share, percent, smallest_is_best=True),
    "signals": Figure(lambda outcome: outcome.signals, "{:,}".format),
}
"""By the name that --sort takes."""


def outcome_of(result: Backtest) -> Outcome:
    summary, curve = result.summary, result.curve
    return Outcome(
        trades_read=summary.trades_read,
        signals=summary.signals,
        approved=summary.approved,
        fills=summary.fills,
        stop_losses=summary.stop_losses,
        trades=result.figures.trades,
        win_rate=result.figures.win_rate,
        result=result.figures.result,
        fees=result.fees,
        unrealised_pnl=summary.unrealised_pnl,
        equity=summary.equity,
        max_drawdown=result.equity.max_drawdown,
        mean_exposure_share=curve.mean_exposure,
        most_exposure_share=curve.most_exposure,
        problem=summary.problem,
    )


def best_first(items: Iterable[T], name: str, outcome: Callable[[T], Outcome | None]) -> list[T]:
    """Sort *items* by the figure called *name* of their outcomes; those without one come last, equal ones stay."""
    figure = FIGURES[name]

    def place(item: T) -> tuple[bool, Any]:
        found = outcome(item)
        value = None if found is None else figure.value(found)
        return value is None, 0 if value is None else value if figure.smallest_is_best else -value

    return sorted(items, key=place)
