"""The state of a service's main loop, for its health check: beating, waiting for a server, or stuck."""

import threading
import time
from typing import Final

import structlog

from services.errors import BUS, ServerAway
from telemetry import metrics

STUCK_AFTER_S: Final = 10.0
_REPEAT_WARNING_S: Final = 10.0

log = structlog.get_logger()


class Pulse:
    """Beaten by the loop, read by the health check of another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_beat = time.monotonic()
        self._waiting: str | None = "starting"
        self._last_warning = 0.0

    def beat(self) -> None:
        """Say that the loop runs and misses nothing."""
        with self._lock:
            self._last_beat = time.monotonic()
            recovered, self._waiting = self._waiting, None
        if recovered and recovered != "starting":
            log.info("server is back", after=recovered)
            if recovered == _waiting_for(BUS):
                metrics.bus_reconnects.inc()

    def wait_for(self, away: ServerAway) -> None:
        """Say that the loop waits for a server; warn once, then every ten seconds."""
        now = time.monotonic()
        with self._lock:
            self._last_beat = now
            first = self._waiting != _waiting_for(away.server)
            self._waiting = _waiting_for(away.server)
            warn = first or now - self._last_warning >= _REPEAT_WARNING_S
            if warn:
                self._last_warning = now
        if warn:
            log.warning("waiting for server", server=away.server, error=away.detail)

    def problem(self) -> str | None:
        """Return what keeps the loop from its work, or None."""
        with self._lock:
            silent_s = time.monotonic() - self._last_beat
            if self._waiting:
                return self._waiting
        return f"stuck for {silent_s:.0f} s" if silent_s > STUCK_AFTER_S else None


def _waiting_for(server: str) -> str:
    return f"waiting for {server}"
