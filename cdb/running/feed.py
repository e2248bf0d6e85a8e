"""Whether trades come from the market, as cdb_ws says it itself at /feed."""

import time
from typing import Final

import httpx
import msgspec

from cdb.running.base import RunningStack
from services.decoding import prepared
from services.topology import WS
from services.ws.sources.port import NOT_YET

_ANSWER_WITHIN_S: Final = 2.0
_LOOK_S: Final = 0.2
_WITHOUT_REST: Final = "gaps are not filled, symbols are not checked and the clock is not compared"


class Feed(msgspec.Struct, frozen=True):
    """What cdb_ws has read from its source, and why it has nothing."""

    source: str
    published: int = 0
    failure: str = ""
    warning: str = ""
    gave_up: bool = False

    @property
    def has_come(self) -> bool:
        """Whether there was a trade, and nothing fails now."""
        return bool(self.published) and not self.failure

    @property
    def has_failed(self) -> bool:
        """Whether something fails, and it is more than that nothing has come of the first try yet."""
        return self.failure not in {"", NOT_YET}

    @property
    def problem(self) -> str:
        """Why no trades come, as a line for the operator; "" while nothing fails."""
        if not self.failure:
            return ""
        if self.gave_up:
            return f"{WS.name} gets nothing more from {self.source}: {self.failure}"
        why = f"{self.failure}, and {self.warning}" if self.failure == NOT_YET and self.warning else self.failure
        return f"{WS.name} waits for {self.source}: {why}; it keeps trying (docs/live.md)"

    @property
    def notice(self) -> str:
        """What is wrong though trades may come, as a line for the operator; "" if nothing is."""
        if not self.warning:
            return ""
        return (
            f"{self.warning}. Until it does, {_WITHOUT_REST}: is {self.source.upper()}_REST_URL right? (docs/live.md)"
        )


def feed(stack: RunningStack) -> Feed | None:
    """Ask cdb_ws; None if it does not answer."""
    try:
        answer = stack.http.get(stack.url(WS.name, "/feed"), timeout=_ANSWER_WITHIN_S)
        return msgspec.json.decode(answer.raise_for_status().content, type=prepared(Feed))
    except (httpx.HTTPError, msgspec.MsgspecError):
        return None


def why_no_trades(stack: RunningStack, *, within_s: float) -> str:
    """Wait until trades come or cdb_ws says why not; "" if they come, or if it does not answer at all.

    If they come, it is what is wrong nevertheless.
    """
    deadline = time.monotonic() + within_s
    while True:
        now = feed(stack)
        if now is None:
            return ""
        if now.has_come:
            return now.notice
        is_last = time.monotonic() >= deadline
        if now.has_failed or (now.failure and is_last):
            return now.problem
        if is_last:
            return f"{WS.name} has no trade from {now.source} after {within_s:.0f} s; it keeps trying (docs/live.md)"
        time.sleep(_LOOK_S)
