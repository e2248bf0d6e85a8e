"""How the account went: equity, exposure and prices, looked at again and again while the trades go through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from services.clock import NANOSECONDS
from services.risk.portfolio import Portfolio

MOST_POINTS: Final = 2_000
"""A curve that has twice as many loses every other one: no screen shows more."""
LOOK_EVERY_NS: Final = 60 * NANOSECONDS
"""The market's time from one look to the next, at most."""


@dataclass(frozen=True, slots=True)
class Point:
    """The account at one moment: money in the quote asset, *exposure* the value of what is held, prices by symbol."""

    ts_ns: int
    equity: Decimal
    exposure: Decimal
    prices: Mapping[str, Decimal]


@dataclass
class Curve:
    """All looks count for exposure; of the points only so many are kept."""

    points: list[Point] = field(default_factory=list)
    most_exposure: Decimal = Decimal(0)
    """As a share of equity."""
    _looks: int = 0
    _exposures: Decimal = Decimal(0)
    _step: int = 1

    @property
    def mean_exposure(self) -> Decimal:
        """As a share of equity, over all looks."""
        return self._exposures / self._looks if self._looks else Decimal(0)

    def look(self, ts_ns: int, portfolio: Portfolio) -> None:
        """Take in the account as it is at *ts_ns*."""
        equity = portfolio.equity()
        held = portfolio.held()
        share = held / equity if equity > 0 else Decimal(0)
        self.most_exposure = max(self.most_exposure, share)
        self._exposures += share
        self._looks += 1
        if self._looks % self._step == 0:
            prices = {symbol: mark.price for symbol, mark in portfolio.marks.items()}
            self.points.append(Point(ts_ns, equity, held, prices))
            if len(self.points) >= 2 * MOST_POINTS:
                del self.points[1::2]
                self._step *= 2
