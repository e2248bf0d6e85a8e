"""How much one symbol's price moves and how much of it is traded. Floats: it is no money of ours."""

from collections import deque
from itertools import pairwise
from math import fsum, sqrt
from typing import Final

from services.clock import NANOSECONDS
from services.messages import MarketData

STEP_NS: Final = 10 * NANOSECONDS
STEPS: Final = 30
"""Five minutes."""


class Activity:
    """One symbol's. Time is the trades' own."""

    def __init__(self) -> None:
        self._step: int | None = None
        self._price = 0.0
        self._closes: deque[float] = deque(maxlen=STEPS + 1)
        self._notional = 0.0

    def take_in(self, trade: MarketData) -> None:
        """Take in the next trade."""
        step = trade.ts_event // STEP_NS
        if step != self._step:
            if self._step is not None:  # a step without a trade ends at the price before it
                self._closes.extend([self._price] * min(step - self._step, STEPS + 1))
            self._step = step
        self._price = float(trade.price)
        self._notional += self._price * float(trade.quantity)

    def volatility(self) -> float | None:
        """Root of the mean of squared returns of the newest STEPS steps that have ended; None before there are so many.

        0.001 is 0.1 %.
        """
        if len(self._closes) <= STEPS:
            return None
        return sqrt(fsum((now / before - 1) ** 2 for before, now in pairwise(self._closes)) / STEPS)

    def take_notional(self) -> float:
        """What was traded since the last call, in the quote asset."""
        taken, self._notional = self._notional, 0.0
        return taken
