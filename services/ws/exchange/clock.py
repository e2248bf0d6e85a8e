"""The exchange's clock against ours: times of trades become ours where the two differ by more than can be measured.

The correction changes only when it is wrong by more than a measurement can be, so that trades keep their distances. Our
own clock being set shows at once: the correction moves with it.
"""

import time
from collections.abc import Callable
from typing import Final

from services.clock import MOST_AHEAD_NS, NANOSECONDS, JumpWatch

CERTAIN_WITHIN_NS: Final = NANOSECONDS // 4
FAR_AHEAD_NS: Final = 60 * NANOSECONDS
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
        self.is_measured = False
        """Whether that was measured since our clock was set."""

    @property
    def correction_s(self) -> float:
        """What is added to the exchange's times, in seconds."""
        return self._correction_ns / NANOSECONDS

    def measure(self, began_ns: int, theirs_ns: int, ended_ns: int) -> bool:
        """Take in that they answered *theirs_ns* between two times of ours; False if the answer took too long."""
        if not 0 <= ended_ns - began_ns <= LONGEST_ROUND_TRIP_NS:
            return False
        middle_ns = (began_ns + ended_ns) // 2
        skew_ns = theirs_ns - middle_ns
        self.skew_s = skew_ns / NANOSECONDS
        self.is_measured = True
        wrong_ns = abs(skew_ns + self._correction_ns)
        if wrong_ns > CERTAIN_WITHIN_NS + (ended_ns - began_ns) // 2:
            self._correction_ns = -skew_ns
        return True

    def follow_jumps(self) -> None:
        """Notice whether our own clock was set since the last look, and go with it."""
        jump_s = self._jump_s()
        self._correction_ns += int(jump_s * NANOSECONDS)
        self.is_measured = self.is_measured and not jump_s

    def ours_ns(self, time_ns: int) -> int:
        """A time of the exchange by our clock."""
        return time_ns + self._correction_ns

    def is_far_ahead(self, time_ns: int) -> bool:
        """Whether a time of the exchange is further ahead than its clock can explain, even if it was measured wrong."""
        earliest_ns = min(time_ns, self.ours_ns(time_ns))
        if not self.is_measured or earliest_ns <= self._now_ns() + FAR_AHEAD_NS:
            return False
        self.follow_jumps()
        return self.is_measured

    def stamp(self, symbol: str, time_ns: int, *, late: bool) -> int:
        """When it was by our clock. What is not *late* is never before what came before it, if that is not ahead."""
        ours_ns = self.ours_ns(time_ns)
        latest_ns = self._now_ns() + MOST_AHEAD_NS
        if ours_ns > latest_ns:  # nothing can be: our clock was set back just now, or theirs was never measured
            self.follow_jumps()
            ours_ns = min(self.ours_ns(time_ns), self._now_ns())
        if late:
            return ours_ns
        last_ns = self._stamped.get(symbol, 0)
        if ours_ns < last_ns <= latest_ns:
            return last_ns
        self._stamped[symbol] = ours_ns
        return ours_ns
