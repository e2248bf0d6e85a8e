"""Whether the operator would be told."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from cdb.alerts import trial
from cdb.doctor import watched
from cdb.doctor.findings import Finding, fail, ok
from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient
from cdb.running.base import RunningStack
from services.topology import CONSOLE

_LOOK_S: Final = 0.5
_TEXTS: Final = {
    "summary": "A test by cdb doctor; nothing is wrong",
    "description": "It shows that notifications arrive, and ends by itself.",
}


def rules(stack: RunningStack) -> Finding:
    """Prometheus has loaded every rule of the project, the ten alerts of the contract among them, and evaluates it."""
    return watched.rules(stack.prometheus, stack.root, how_to_reload=stack.how_to_reload_rules)


def alertmanager(stack: RunningStack) -> Finding:
    """Alertmanager is ready, and Prometheus sends to it."""
    advice = f"{stack.where_to_look}: alertmanager; curl -s {stack.url('prometheus', '/api/v1/alertmanagers')}"
    with _alertmanager(stack) as server:
        return watched.alertmanager(stack.prometheus, server, advice=advice)


def firing(stack: RunningStack) -> Finding:
    """Nothing fires now, neither for Prometheus nor for Alertmanager, which `cdb alerts` shows."""
    with _alertmanager(stack) as server:
        return watched.firing(stack.prometheus, server)


def notification(stack: RunningStack, within_s: float = 30.0) -> Finding:
    """Send an alert of severity info through Alertmanager, and wait for it at the console."""
    name, begun = trial.new_name(), time.monotonic()
    with _alertmanager(stack) as server, HttpClient(stack.url("cdb_console"), name="the console") as console:
        trial.send(server, name, severity="info", texts=_TEXTS, now=datetime.now(UTC))
        while (waited := time.monotonic() - begun) < within_s:
            with suppress(Away):  # it may come back within the time that a notification has
                if trial.has_arrived(console, name):
                    return ok(f"{name} came through Alertmanager to the console in {waited:.0f} s")
            time.sleep(_LOOK_S)
    return fail(
        f"{name} did not reach the console within {within_s:.0f} s",
        f"{stack.where_to_look}: {CONSOLE.name} and alertmanager",
    )


def _alertmanager(stack: RunningStack) -> HttpClient:
    return HttpClient(stack.url("alertmanager"), name="Alertmanager")
