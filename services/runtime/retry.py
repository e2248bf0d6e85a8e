"""What a loop does when something fails: go on with the other messages, or wait for a server and try again."""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from services.errors import ServerAway, Standby
from services.runtime.loop_state import LoopState

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
STANDBY_PAUSE_S: Final = 0.25
"""How often a standby looks whether it is its turn."""

P = ParamSpec("P")
T = TypeVar("T")


def attempt(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Exception | None:
    """Run *function* and return its error, so that one bad message does not end the loop for the others."""
    try:
        function(*args, **kwargs)
    except ServerAway:
        raise
    except Exception as error:  # noqa: BLE001  the one place that must outlive any message
        return error
    return None


def retry(function: Callable[[], T], state: LoopState, *, on_away: Callable[[], None] = lambda: None) -> T | None:
    """Run *function* again, with growing pauses, until no server is away; None if the loop is asked to stop.

    *on_away* is called once if the first try finds a server away.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            result = function()
        except Standby as standby:
            state.waits_for(standby)
            if state.stop.wait(STANDBY_PAUSE_S):
                return None
        except ServerAway as away:
            state.waits_for(away)
            if pause_s == FIRST_PAUSE_S:
                on_away()
            if state.stop.wait(pause_s):
                return None
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            state.turned()
            return result
