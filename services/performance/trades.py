"""What closed trades have earned. Money in the quote asset, after fees."""

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median
from typing import Final, Protocol

from services.messages import Cause

RECENT: Final = 30
"""Closed trades that the recent win rate looks at."""


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A position from its opening until nothing of it is held: a row of `closed_trades`, in its order.

    *entry* and *exit* are mean prices of its purchases and its sales. *cost* is what the purchases took, fees included.
    *fees* are those of all its fills. *result* is what the sales brought, less their fees and the cost. *cause* is that
    of the last sale.
    """

    position_id: str
    strategy: str
    symbol: str
    opened_at: datetime
    closed_at: datetime
    quantity: Decimal
    entry: Decimal
    exit: Decimal
    cost: Decimal
    fees: Decimal
    result: Decimal
    cause: Cause

    @property
    def return_(self) -> Decimal:
        """The result as a share of the cost."""
        return self.result / self.cost

    @property
    def duration_s(self) -> float:
        return (self.closed_at - self.opened_at).total_seconds()


class TradeFigures:
    """Figures over closed trades, which are added in the order of their closing."""

    def __init__(self, trades: Iterable[ClosedTrade] = ()) -> None:
        self.trades = 0
        self.wins = 0
        self.result = Decimal(0)
        self.fees = Decimal(0)
        self.gross_profit = Decimal(0)
        self.gross_loss = Decimal(0)
        """What losing trades lost, as a positive amount."""
        self.best_trade: ClosedTrade | None = None
        self.worst_trade: ClosedTrade | None = None
        self._durations = array("d")
        self._recent: deque[bool] = deque(maxlen=RECENT)
        for trade in trades:
            self.add(trade)

    def add(self, trade: ClosedTrade) -> None:
        """Take in the trade that was closed next."""
        won = trade.result > 0
        self.trades += 1
        self.wins += won
        self.result += trade.result
        self.fees += trade.fees
        self.gross_profit += max(trade.result, Decimal(0))
        self.gross_loss += max(-trade.result, Decimal(0))
        if self.best_trade is None or trade.result > self.best_trade.result:
            self.best_trade = trade
        if self.worst_trade is None or trade.result < self.worst_trade.result:
            self.worst_trade = trade
        self._durations.append(trade.duration_s)
        self._recent.append(won)

    @property
    def win_rate(self) -> Decimal | None:
        return Decimal(self.wins) / self.trades if self.trades else None

    @property
    def recent_win_rate(self) -> Decimal | None:
        return Decimal(sum(self._recent)) / RECENT if len(self._recent) == RECENT else None

    @property
    def profit_factor(self) -> Decimal | None:
        return self.gross_profit / self.gross_loss if self.gross_loss else None

    @property
    def expectancy(self) -> Decimal | None:
        return self.result / self.trades if self.trades else None

    @property
    def mean_duration_s(self) -> float | None:
        return sum(self._durations) / self.trades if self.trades else None

    @property
    def median_duration_s(self) -> float | None:
        return median(self._durations) if self.trades else None

    @property
    def best_result(self) -> Decimal | None:
        return self.best_trade.result if self.best_trade else None

    @property
    def worst_result(self) -> Decimal | None:
        return self.worst_trade.result if self.worst_trade else None


def _day(trade: ClosedTrade) -> str:
    """The UTC day on which *trade* was closed."""
    return trade.closed_at.astimezone(UTC).date().isoformat()


GROUPS: Final[Mapping[str, Callable[[ClosedTrade], str]]] = {
    "strategy": lambda trade: trade.strategy,
    "symbol": lambda trade: trade.symbol,
    "day": _day,
}
"""What figures can be told apart by."""


def figures_by(group: str, trades: Iterable[ClosedTrade]) -> dict[str, TradeFigures]:
    """The figures of *trades* for each name in a *group* of GROUPS, in the order of the names."""
    found: dict[str, TradeFigures] = {}
    for trade in trades:
        found.setdefault(GROUPS[group](trade), TradeFigures()).add(trade)
    return dict(sorted(found.items()))


class Held(Protocol):
    """A time in which something was held."""

    @property
    def opened_at(self) -> datetime: ...

    @property
    def closed_at(self) -> datetime: ...


def exposure_time(
    trades: Iterable[Held], open_since: Iterable[datetime], *, begin: datetime, end: datetime
) -> float | None:
    """The share of the time from *begin* to *end* in which anything was held; None if there is no time between them.

    *open_since* is when each position was opened that is held at *end*.
    """
    if end <= begin:
        return None
    held = [(trade.opened_at, trade.closed_at) for trade in trades]
    held += [(opened_at, end) for opened_at in open_since]
    seconds, counted = 0.0, begin
    for opened_at, closed_at in sorted(held):
        since, until = max(opened_at, counted), min(closed_at, end)
        if until > since:
            seconds += (until - since).total_seconds()
            counted = until
    return seconds / (end - begin).total_seconds()
