"""The state of a service's main loop: told by the loop, asked by the health check of another thread."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from services.errors import BUS, ServerAway, Standby
from telemetry import metrics

STUCK_AFTER_S: Final = 10.0
_REPEAT_WARNING_S: Final = 10.0

log = structlog.get_logger()


class LoopState:
    """Running, waiting for something, or stuck; and *stop*, which asks the loop to end.

    *on_standby* says whether another process does this one's work, as far as is known; *reports* is set once it is
    known that none does, so that this one's figures are the service's. *on_wait* hears of each wait: for what, and for
    how many seconds already.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.on_standby = False
        self.reports = threading.Event()
        self.on_wait: Callable[[ServerAway, float], None] = lambda _away, _waited_s: None
        self._lock = threading.Lock()
        self._last_turn = time.monotonic()
        self._started = False
        self._away: ServerAway | None = None
        self._away_since = 0.0
        self._last_warning = 0.0

    def turned(self) -> None:
        """The loop made a turn and lacks nothing."""
        with self._lock:
            self._last_turn = time.monotonic()
            self._started = True
            recovered, self._away = self._away, None
            takes_over, self.on_standby = self.on_standby, False
            self.reports.set()
        if takes_over:
            log.info("takes over")
        elif recovered:
            log.info("server is back", after=_waiting_for(recovered))
            if recovered.server == BUS:
                metrics.bus_reconnects.inc()

    def waits_for(self, away: ServerAway) -> None:
        """The loop waits for a server; warns once, then every ten seconds."""
        now = time.monotonic()
        if isinstance(away, Standby):
            self._stands_by(now, away)
        else:
            self._waits_for(now, away)
        self.on_wait(away, now - self._away_since)

    def _waits_for(self, now: float, away: ServerAway) -> None:
        with self._lock:
            self._last_turn = now
            first = self._away is None or self._away.server != away.server
            if first:
                self._away_since = now
            if not self.on_standby:
                self.reports.set()
            self._away = away
            warn = first or now - self._last_warning >= _REPEAT_WARNING_S
            if warn:
                self._last_warning = now
        if warn:
            log.warning("waiting for server", server=away.server, error=away.detail)

    def _stands_by(self, now: float, standby: Standby) -> None:
        with self._lock:
            self._last_turn = now
            self._started = True
            self._away, self._away_since = None, now
            first, self.on_standby = not self.on_standby, True
        if first:
            log.info("on standby", reason=standby.detail)

    def leaves(self) -> None:
        """Another process does the work from now on."""
        with self._lock:
            self.on_standby = True
            self.reports.clear()

    def problem(self) -> str | None:
        """What keeps the loop from its work, None if nothing does."""
        with self._lock:
            silent_s = time.monotonic() - self._last_turn
            if self._away is not None:
                return f"{_waiting_for(self._away)}: {self._away.detail}"
            if not self._started:
                return "starting"
        return f"stuck for {silent_s:.0f} s" if silent_s > STUCK_AFTER_S else None


def _waiting_for(away: ServerAway) -> str:
    return f"waiting for {away.server}"
