"""Wait for a condition; the failure says what was seen last."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
_NEVER: Final = threading.Event()


def until(
    look: Callable[[], T],
    *,
    holds: Callable[[T], bool] = bool,
    within_s: float = 30.0,
    what: str = "the condition",
    every_s: float = 0.1,
) -> T:
    """Call *look* until *holds* accepts its result; returns that result. Fails after *within_s* seconds."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within_s:g} s; last seen: {seen!r:.2000}")
        _NEVER.wait(every_s)
