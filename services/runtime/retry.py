"""What a loop does about the one thing that is no error of its own: a server that is away."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from services.errors import ServerAway
from services.runtime.loop_state import Pulse

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0

T = TypeVar("T")


def attempt(function: Callable[[], object]) -> Exception | None:
    """Run *function* and return what it raised, so one bad message does not end the loop for the others."""
    try:
        function()
    except ServerAway:
        raise
    except Exception as error:  # noqa: BLE001  the one place that must outlive any message
        return error
    return None


def persist(
    function: Callable[[], T], *, pulse: Pulse, stop: threading.Event, on_away: Callable[[], None] = lambda: None
) -> T | None:
    """Run *function* until no server is away, with growing pauses; None if told to stop meanwhile.

    *on_away* is called once if a server is away at first.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            result = function()
        except ServerAway as away:
            pulse.wait_for(away)
            if pause_s == FIRST_PAUSE_S:
                on_away()
            if stop.wait(pause_s):
                return None
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            pulse.beat()
            return result
