"""The health check of Redis, which also compares clocks: those of the services agree if all agree with Redis's."""

from collections.abc import Callable
from typing import Final

import structlog

from services.bus.streams import RedisBus
from services.clock import Clock, JumpWatch, WallClock
from telemetry import metrics

MOST_APART_S: Final = 2.0
"""From here on signals may be rejected as too old, and the alert ClockSkew fires."""

log = structlog.get_logger()


def bus_probe(bus: RedisBus, clock: Clock) -> Callable[[], None]:
    """The probe for a service with *clock*; the events' own time in a replay is compared with nothing."""
    if not isinstance(clock, WallClock):
        return bus.ping
    comparison = _Comparison(bus)

    def probe() -> None:
        bus.ping()
        comparison.look()

    return probe


class _Comparison:
    """What the last look at the clocks has shown, so that only changes are logged."""

    def __init__(self, bus: RedisBus) -> None:
        self._bus = bus
        self._jumps = JumpWatch()
        self._apart = False

    def look(self) -> None:
        if jump_s := self._jumps.jump_s():
            metrics.clock_jumps.inc()
            log.warning("the machine's clock was set", by_s=round(jump_s, 3))
        offset_s = self._bus.clock_offset_s()
        metrics.clock_offset_seconds.set(offset_s)
        was_apart, self._apart = self._apart, abs(offset_s) > MOST_APART_S
        if self._apart and not was_apart:
            log.warning("this clock and Redis's differ: trading may stand still", ahead_s=round(offset_s, 3))
        elif was_apart and not self._apart:
            log.info("this clock and Redis's agree again")
