"""The one health check of a service: its own loop, and whether it reaches the servers it needs.

Probes run in a thread of their own, so that asking never waits for a server that hangs; an answer that is too old
counts as a failure.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from services.errors import ServerAway
from services.runtime.loop_state import LoopState
from services.runtime.retry import attempt

PROBE_EVERY_S: Final = 0.5
TOO_OLD_S: Final = 3.0

Probe = Callable[[], None]


class Health:
    """Gathers the checks of one service; *report* gets the verdict after every round of probes."""

    def __init__(self, state: LoopState, probes: Mapping[str, Probe], report: Callable[[bool], None]) -> None:
        self._state = state
        self._probes = dict(probes)
        self._report = report
        self._results: dict[str, tuple[float, str]] = dict.fromkeys(self._probes, (time.monotonic(), "not probed yet"))

    def start(self) -> None:
        """Probe in the background until the loop is to stop; one thread per server, so that none hides another."""
        for name in self._probes:
            threading.Thread(target=self._watch, args=(name,), name=f"health-{name}", daemon=True).start()

    def checks(self) -> dict[str, str]:
        """Each check's verdict: "ok", or what is wrong."""
        now = time.monotonic()
        verdicts = {"loop": self._state.problem() or "ok"}
        for name, (when, verdict) in self._results.items():
            age_s = now - when
            verdicts[name] = verdict if age_s <= TOO_OLD_S else f"no answer for {age_s:.0f} s"
        return verdicts

    @property
    def on_standby(self) -> bool:
        """Whether another process does the service's work, and this one waits."""
        return self._state.on_standby

    def healthy(self) -> bool:
        """Whether the service can do its own work now, or could if it were its turn."""
        return all(verdict == "ok" for verdict in self.checks().values())

    def _watch(self, name: str) -> None:
        while True:
            try:
                error = attempt(self._probes[name])
                verdict = f"{type(error).__name__}: {error}" if error else "ok"
            except ServerAway as away:
                verdict = away.detail or "away"
            self._results[name] = (time.monotonic(), verdict)
            self._report(self.healthy())
            if self._state.stop.wait(PROBE_EVERY_S):
                return
