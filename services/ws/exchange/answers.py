"""What REST answers, decoded, and for whoever looks after the bot whether it answers at all."""

import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from services.ws.exchange import report
from services.ws.exchange.protocol import Unreadable
from services.ws.exchange.rest import Rest, RestAway, RestPauses

T = TypeVar("T")
FORGOTTEN_AFTER_S: Final = 150.0
"""Whatever is wrong still is asked for again, and fails again, within this time."""


class Answers:
    """Asks *rest*. Each reason why a path gives nothing is logged once, however often it is asked."""

    def __init__(self, rest: Rest, exchange: str) -> None:
        self.rest = rest
        self._exchange = exchange
        self._away: dict[str, tuple[str, float]] = {}

    @property
    def warning(self) -> str:
        """Why REST is of no use now; "" if it is. Any thread may ask."""
        since = time.monotonic() - FORGOTTEN_AFTER_S
        reasons = [why for why, at in [*self._away.values()] if at > since]
        return f"REST of {self._exchange} does not answer: {reasons[0]}" if reasons else ""

    async def get(self, path: str, read: Callable[[bytes], T], query: Mapping[str, str] | None = None) -> T:
        """What *read* makes of the answer; raises what it raises, and RestAway."""
        try:
            answer = read(await self.rest.get(path, query))
        except RestPauses:  # the reason is that of the answer before
            raise
        except Unreadable as error:
            self.note_away(path, f"{path}: {error}")
            raise
        except RestAway as away:
            self.note_away(path, str(away))
            raise
        self._away.pop(path, None)
        return answer

    def note_away(self, path: str, why: str, *, in_log: bool = True) -> None:
        """Remember why *path* gives nothing."""
        known, _ = self._away.get(path, ("", 0.0))
        self._away[path] = (why, time.monotonic())
        if in_log and why != known:
            report.rest_away(self._exchange, why)
