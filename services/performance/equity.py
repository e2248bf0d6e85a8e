"""How equity went: its deepest fall from every mark, and its daily returns from the last mark of each UTC day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from services.performance import returns

_A_DAY: Final = timedelta(days=1)
_A_MOMENT: Final = timedelta(microseconds=1)


class Mark(NamedTuple):
    """What the account was worth at a moment."""

    at: datetime
    equity: Decimal


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A fall of equity from a peak to the lowest mark after it; *recovered_at* is when it was at the peak again."""

    peak: Mark
    trough: Mark
    recovered_at: datetime | None = None

    @property
    def depth(self) -> Decimal:
        """In money."""
        return self.peak.equity - self.trough.equity

    @property
    def share(self) -> Decimal:
        """Of the peak; 1 is a total loss."""
        return self.depth / self.peak.equity


class Close(NamedTuple):
    """Equity at the end of a UTC day, and what the day returned: None if all had been lost before."""

    day: date
    equity: Decimal
    day_return: float | None


class EquityCurve:
    """Equity, mark after mark. It keeps the opening, the peak, the deepest drawdown and one close for each day.

    A mark at T is equity as it was at T, so one at 00:00 UTC closes the day that ends then. A day that has not ended
    has no close. A day without marks has neither close nor return: the next close is compared with the last one there
    is, the first one with the opening, which is the first mark of all.
    """

    def __init__(self, marks: Iterable[tuple[datetime, Decimal]] = ()) -> None:
        self.opening: Mark | None = None
        self.newest: Mark | None = None
        self.peak: Mark | None = None
        """The highest mark so far, the last of equal ones."""
        self.deepest: Drawdown | None = None
        """The largest fall as a share of its peak, the first of equal ones. None while equity has never fallen."""
        self._lowest: Decimal = Decimal(0)
        """Since the peak."""
        self._day_ends: datetime | None = None
        """That of the newest mark."""
        self._closes: list[Close] = []
        for at, equity in marks:
            self.add(at, equity)

    def add(self, at: datetime, equity: Decimal) -> None:
        """Take in the next mark. Raises ValueError if it is older than the newest one."""
        mark = Mark(at.astimezone(UTC), equity)
        if self.newest is None or self._day_ends is None:
            self.opening, self._day_ends = mark, _day_end(mark)
        elif mark.at < self.newest.at:
            raise ValueError(f"a mark of equity at {mark.at} comes after one at {self.newest.at}")
        elif mark.at > self._day_ends:
            self._closes += self._closed_by(self.newest)
            self._day_ends = _day_end(mark)
        self.newest = mark
        self._follow_peak(mark)

    @property
    def closes(self) -> Sequence[Close]:
        """Every day that has ended, oldest first."""
        if self.newest is not None and self.newest.at == self._day_ends:
            return [*self._closes, *self._closed_by(self.newest)]
        return self._closes

    @property
    def daily_returns(self) -> list[float]:
        """Those of all days that have one, oldest first."""
        return [close.day_return for close in self.closes if close.day_return is not None]

    @property
    def max_drawdown(self) -> Decimal | None:
        """The deepest drawdown's share; 0 if equity has never fallen."""
        if self.newest is None:
            return None
        return self.deepest.share if self.deepest else Decimal(0)

    @property
    def annual_volatility(self) -> float | None:
        return returns.annual_volatility(self.daily_returns)

    @property
    def sharpe_ratio(self) -> float | None:
        return returns.sharpe_ratio(self.daily_returns)

    @property
    def sortino_ratio(self) -> float | None:
        return returns.sortino_ratio(self.daily_returns)

    @property
    def annual_return(self) -> float | None:
        return returns.annual_return(self.daily_returns)

    @property
    def calmar_ratio(self) -> float | None:
        return returns.calmar_ratio(self.daily_returns, float(self.max_drawdown or 0))

    @property
    def value_at_risk(self) -> float | None:
        return returns.value_at_risk(self.daily_returns)

    @property
    def expected_shortfall(self) -> float | None:
        return returns.expected_shortfall(self.daily_returns)

    def _closed_by(self, last: Mark) -> list[Close]:
        """The close that a day's *last* mark is. The opening alone closes nothing: no time has passed."""
        if self.opening is None or last.at == self.opening.at:
            return []
        before = self._closes[-1].equity if self._closes else self.opening.equity
        return [
            Close(
                (_day_end(last) - _A_DAY).date(), last.equity, float(last.equity / before - 1) if before > 0 else None
            )
        ]

    def _follow_peak(self, mark: Mark) -> None:
        if self.peak is None or mark.equity >= self.peak.equity:
            if self.deepest and self.deepest.recovered_at is None:
                self.deepest = replace(self.deepest, recovered_at=mark.at)
            self.peak, self._lowest = mark, mark.equity
        elif mark.equity < self._lowest and self.peak.equity > 0:
            self._lowest = mark.equity
            fall = Drawdown(self.peak, mark)
            if self.deepest is None or fall.share > self.deepest.share:
                self.deepest = fall


def _day_end(mark: Mark) -> datetime:
    """00:00 UTC at the end of the day that *mark* is of."""
    day = (mark.at - _A_MOMENT).date()
    return datetime.combine(day, time.min, UTC) + _A_DAY
