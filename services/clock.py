"""The time that decisions read: the wall's when trading live, the events' own in a replay.

A wall clock can be set, and machines can disagree. The rule everywhere: a time that is_ahead() of the clock is a wrong
clock's. A message with such a time is not handled, and what is remembered with such a time no longer counts. So the bot
follows a clock that is set back, or right again, without a restart.
"""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

NANOSECONDS = 1_000_000_000
MINUTE_NS = 60 * NANOSECONDS
DAY_NS = 86_400 * NANOSECONDS
MOST_AHEAD_NS = 5 * NANOSECONDS
LEAST_JUMP_NS = NANOSECONDS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What a decision may know of time."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        ...

    def advance(self, ts_event: int) -> None:
        """Take notice of an event's time in nanoseconds."""
        ...

    def is_ahead(self, ts_event: int, *, seen_ns: int | None = None) -> bool:
        """Whether an event claims to be from the future: of now, or of when it was seen."""
        ...


class WallClock:
    """The machine's clock; events do not move it."""

    def now_ns(self) -> int:
        """The machine's time in nanoseconds."""
        return time.time_ns()

    def advance(self, ts_event: int) -> None:
        """Ignore the event's time."""

    def is_ahead(self, ts_event: int, *, seen_ns: int | None = None) -> bool:
        """Whether an event's time is later than now, or *seen_ns*, by more than clocks may differ."""
        return ts_event > (time.time_ns() if seen_ns is None else seen_ns) + MOST_AHEAD_NS


class EventClock:
    """The newest event's time, so that a replay decides as if it were then, whatever the machine's load."""

    def __init__(self) -> None:
        self._now_ns = 0

    def now_ns(self) -> int:
        """The newest event's time in nanoseconds; 0 before the first event."""
        return self._now_ns

    def advance(self, ts_event: int) -> None:
        """Move forward to *ts_event*, never back."""
        if ts_event > self._now_ns:  # noqa: PLR1730  every trade comes here several times, and max() is a call more
            self._now_ns = ts_event

    def is_ahead(self, ts_event: int, *, seen_ns: int | None = None) -> bool:
        """Return False: the newest event is what time it is."""
        return False


class JumpWatch:
    """Notices when the machine's wall clock is set, by comparing it with one that cannot be."""

    def __init__(self) -> None:
        self._lead_ns = _lead_over_uptime_ns()

    def jump_s(self) -> float:
        """By how many seconds the clock was set since the last look; 0 if it was only kept in step (less than 1 s)."""
        before_ns, self._lead_ns = self._lead_ns, _lead_over_uptime_ns()
        jump_ns = self._lead_ns - before_ns
        return jump_ns / NANOSECONDS if abs(jump_ns) >= LEAST_JUMP_NS else 0.0


def _lead_over_uptime_ns() -> int:
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def offset_s(began_ns: int, theirs_ns: int, ended_ns: int) -> float:
    """How many seconds our clock is ahead of another machine's (behind: negative), as far as is certain.

    They answered *theirs_ns* some time between *began_ns* and *ended_ns* on our clock.
    """
    if theirs_ns < began_ns:
        return (began_ns - theirs_ns) / NANOSECONDS
    return min(0, ended_ns - theirs_ns) / NANOSECONDS


def to_datetime(ns: int) -> datetime:
    """Nanoseconds since the epoch as an aware UTC datetime, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1000)


def utc_day(ns: int) -> date:
    """The UTC day that a time in nanoseconds falls on."""
    return to_datetime(ns).date()


def end_of_utc_day(day: date) -> int:
    """The first nanosecond after *day*."""
    return ((day - _EPOCH.date()).days + 1) * DAY_NS
