"""The time that decisions read: the wall's when trading live, the events' own in a replay."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

NANOSECONDS = 1_000_000_000
MOST_AHEAD_NS = 5 * NANOSECONDS
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
        self._now_ns = max(self._now_ns, ts_event)

    def is_ahead(self, ts_event: int, *, seen_ns: int | None = None) -> bool:
        """Return False: the newest event is what time it is."""
        return False


def to_datetime(ns: int) -> datetime:
    """Nanoseconds since the epoch as an aware UTC datetime, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1000)


def utc_day(ns: int) -> date:
    """The UTC day that a time in nanoseconds falls on."""
    return to_datetime(ns).date()


def end_of_utc_day(day: date) -> int:
    """The first nanosecond after *day*."""
    return ((day - _EPOCH.date()).days + 1) * 86_400 * NANOSECONDS
