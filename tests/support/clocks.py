"""Clocks that a test sets: one in this process, and those of programs that run under libfaketime."""

from pathlib import Path
from typing import Final

from services.clock import MOST_AHEAD_NS
from tests.support.building import NOW
from tests.support.programs import required_file

_PLACES: Final = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")


class SettableClock:
    """A wall clock that shows *now*."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def now_ns(self) -> int:
        return self.now

    def advance(self, ts_event: int) -> None:
        """Ignore the event's time."""

    def is_ahead(self, ts_event: int, *, seen_ns: int | None = None) -> bool:
        return ts_event > (self.now if seen_ns is None else seen_ns) + MOST_AHEAD_NS


class WrongClock:
    """The clock of programs that have its environment. It is right until it is set; within a second they see it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """Let the clock be *ahead_s* seconds ahead from now on; negative: behind."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{ahead_s:+d}s\n")
        fresh.replace(self._file)

    def environment(self) -> dict[str, str]:
        """What a program needs in its environment. Its monotonic clocks stay right, as they do when a clock is set."""
        return {
            "LD_PRELOAD": required_file("libfaketimeMT.so.1", *_PLACES, package="faketime"),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
