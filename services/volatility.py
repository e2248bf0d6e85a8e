"""How much a price moves from trade to trade, as orders carry it and the paper venue slips by it."""

from decimal import Decimal
from typing import Final

WEIGHT: Final = 0.05
DECIMALS: Final = 8


class Volatility:
    """An exponentially weighted mean of absolute returns per trade, as a share (0.0004 is 4 basis points)."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._mean = 0.0

    def update(self, price: Decimal) -> None:
        """Take in the next price."""
        now = float(price)
        if self._last is not None:
            self._mean += WEIGHT * (abs(now / self._last - 1) - self._mean)
        self._last = now

    def value(self) -> Decimal:
        """The mean so far, rounded to 8 decimals and at most 1."""
        return min(Decimal(1), Decimal(str(round(self._mean, DECIMALS))))
