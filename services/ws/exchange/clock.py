"""The exchange's clock against ours: times of trades become ours where the two differ by more than can be measured.

The correction changes only when it is wrong by more than a measurement can be, so that trades keep their distances. Our
own clock being set shows at once: the correction moves with it.
"""

import time
from collections.abc import Callable
from typing import Final

from services.clock import MOST_AHEAD_NS, NANOSECONDS, JumpWatch

CERTAIN_WITHIN_NS: Final = NANOSECONDS // 4
LONGEST_ROUND_TRIP_NS: Final = 2 * NANOSECONDS


class ExchangeClock:
    """Turns the exchange's times into ours."""

    def __init__(self, now_ns: Callable[[], int] = time.time_ns, jump_s: Callable[[], float] | None = None) -> None:
        self._now_ns = now_ns
        self._jump_s = jump_s or JumpWatch().jump_s
        self._correction_ns = 0
        self._stamped: dict[str, int] = {}
        self.skew_s: float | None = None
        """By how much the exchange's clock is ahead of ours, as last measured; negative: behind."""

    def measure(self, began_ns: int, theirs_ns: int, ended_ns: int) -> bool:
        """Take in that they answered *theirs_ns* between two times of ours; False if the answer took too long."""
        if not 0 <= ended_ns - began_ns <= LONGEST_ROUND_TRIP_NS:
            return False
        middle_ns = (began_ns + ended_ns) // 2
        skew_ns = theirs_ns - middle_ns
        self.skew_s = skew_ns / NANOSECONDS
        wrong_ns = abs(skew_ns + self._correction_ns)
        if wrong_ns > CERTAIN_WITHIN_NS + (ended_ns - began_ns) // 2:
            self._correction_ns = -skew_ns
        return True

    def follow_jumps(self) -> bool:
        """Notice whether our own clock was set since the last look, and go with it."""
        jump_s = self._jump_s()
        self._correction_ns += int(jump_s * NANOSECONDS)
        if jump_s and self.skew_s is not None:
            self.skew_s -= jump_s
        return bool(jump_s)

    def ours_ns(self, time_ns: int) -> int:
        """A time of the exchange by our clock."""
        return time_ns + self._correction_ns

    def stamp(self, symbol: str, time_ns: int, *, late: bool) -> int:
        """When it was by our clock. What is not *late* is never before what came before it, if that is not ahead."""
        ours_ns = self.ours_ns(time_ns)
        if late:
            return ours_ns
        last_ns = self._stamped.get(symbol, 0)
        if ours_ns < last_ns <= self._now_ns() + MOST_AHEAD_NS:
            return last_ns
        self._stamped[symbol] = ours_ns
        return ours_ns
