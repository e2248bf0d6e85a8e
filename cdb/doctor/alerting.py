"""Whether the operator would be told."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from cdb.doctor import watched
from cdb.doctor.findings import Finding, fail, ok
from cdb.doctor.watched import TEST_ALERT
from cdb.kit.http_client import HttpClient
from cdb.running.base import RunningStack

_LOOK_S: Final = 0.5


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
    """Send an alert of severity info through Alertmanager, and wait for it at the local receiver."""
    # A name of its own each time: a known group's next notification would wait for group_interval.
    name = f"{TEST_ALERT}{secrets.token_hex(3)}"
    begun = time.monotonic()
    answer = stack.http.post(stack.url("alertmanager", "/api/v2/alerts"), json=[_alert(name, datetime.now(UTC))])
    if not answer.is_success:
        return fail(f"Alertmanager rejects an alert: {answer.status_code} {answer.text[:120]}", stack.where_to_look)
    while (waited := time.monotonic() - begun) < within_s:
        if _arrived(stack, name):
            return ok(f"{name} came through Alertmanager to the receiver in {waited:.0f} s")
        time.sleep(_LOOK_S)
    return fail(
        f"{name} did not reach the receiver within {within_s:.0f} s",
        f"{stack.where_to_look}: cdb_console and alertmanager",
    )


def _alert(name: str, now: datetime) -> dict[str, object]:
    return {
        "labels": {"alertname": name, "severity": "info", "component": "doctor"},
        "annotations": {
            "summary": "A test by cdb doctor; nothing is wrong",
            "description": "It shows that notifications arrive, and ends by itself.",
        },
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=1)).isoformat(),
    }


def _arrived(stack: RunningStack, name: str) -> bool:
    try:
        answer = stack.http.get(stack.url("cdb_console", "/api/notifications"), params={"alertname": name})
    except httpx.TransportError:
        return False  # it may come back within the time that a notification has
    return answer.is_success and bool(answer.json()["notifications"])


def _alertmanager(stack: RunningStack) -> HttpClient:
    return HttpClient(stack.url("alertmanager"), name="Alertmanager")
