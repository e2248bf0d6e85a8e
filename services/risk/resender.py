"""Sends orders again that have no final state, so that neither a flushed bus nor a kill at any moment loses one."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from opentelemetry.trace import SpanContext

from services.messages import Order

FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0


class Resender:
    """Remembers when each order without a final state was last sent. An order it has not seen is sent at once."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._next: dict[str, tuple[float, float]] = {}
        self._causes: dict[str, SpanContext] = {}

    def sent(self, order_id: str, cause: SpanContext | None = None) -> None:
        """Take notice that *order_id* is being sent for the first time, because of the span *cause*."""
        self._next[order_id] = (self._monotonic() + FIRST_PAUSE_S, FIRST_PAUSE_S)
        if cause is not None:
            self._causes[order_id] = cause

    def cause(self, order_id: str) -> SpanContext | None:
        """The span that placed an order which is not final, None if an earlier process placed it."""
        return self._causes.get(order_id)

    def due(self, placed: Iterable[Order]) -> list[Order]:
        """Those of *placed* that should be sent now; pauses double, so that a dead venue is not flooded."""
        now = self._monotonic()
        known, self._next = self._next, {}
        found = []
        for order in placed:
            when, pause_s = known.get(order.order_id, (0.0, FIRST_PAUSE_S / 2))
            if now >= when:
                found.append(order)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                when = now + pause_s
            self._next[order.order_id] = (when, pause_s)
        self._causes = {order_id: cause for order_id, cause in self._causes.items() if order_id in self._next}
        return found
