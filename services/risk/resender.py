"""Sends orders again that have no final state, so that neither a flushed bus nor a kill at any moment loses one."""

import time
from collections.abc import Iterable
from typing import Final

from services.messages import Order

FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0


class Resender:
    """Remembers when each order without a final state was last sent. An order it has not seen is sent at once."""

    def __init__(self) -> None:
        self._next: dict[str, tuple[float, float]] = {}

    def sent(self, order_id: str) -> None:
        """Take notice that *order_id* is being sent for the first time."""
        self._next[order_id] = (time.monotonic() + FIRST_PAUSE_S, FIRST_PAUSE_S)

    def due(self, placed: Iterable[Order]) -> list[Order]:
        """Return those of *placed* that should be sent now; pauses double, so that a dead venue is not flooded."""
        now = time.monotonic()
        known, self._next = self._next, {}
        found = []
        for order in placed:
            when, pause_s = known.get(order.order_id, (0.0, FIRST_PAUSE_S / 2))
            if now >= when:
                found.append(order)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                when = now + pause_s
            self._next[order.order_id] = (when, pause_s)
        return found
