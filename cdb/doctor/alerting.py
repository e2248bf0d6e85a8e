"""Whether the operator would be told."""

import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from cdb.alerts.alerts import fires_now
from cdb.check.project import Project
from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient
from cdb.running.base import RunningStack

CONTRACT_GROUP: Final = "alerts"
TEST_ALERT: Final = "DoctorTest"
CRITICAL: Final = "critical"
_LOOK_S: Final = 0.5


def rules(stack: RunningStack) -> Finding:
    """Prometheus has loaded every rule of the project, the ten alerts of the contract among them, and evaluates it."""
    wanted = {(rule.group, rule.name) for rule in Project(stack.root).rules}
    loaded = {(group.name, rule.name): rule for group in stack.prometheus.rules() for rule in group.rules}
    faults = [f"{name} is not loaded" for group, name in sorted(wanted - loaded.keys())]
    here = {name: loaded[group, name] for group, name in sorted(wanted & loaded.keys())}
    faults += [f"{name}: {rule.last_error}" for name, rule in here.items() if rule.last_error]
    if early := sum(rule.health == "unknown" for rule in here.values()):
        faults.append(f"{early} of {len(wanted)} rules are not evaluated yet (this takes up to a minute after a start)")
    if faults:
        return fail(
            "; ".join(faults),
            f"promtool check rules monitoring/prometheus/rules/*.yml; then {stack.how_to_reload_rules}",
        )
    ten = sum(group == CONTRACT_GROUP and rule.type == "alerting" for (group, _), rule in loaded.items())
    return ok(f"{ten} alerts of the contract, {len(wanted) - ten} other rules, all evaluated")


def alertmanager(stack: RunningStack) -> Finding:
    """Alertmanager is ready, and Prometheus sends to it."""
    advice = f"{stack.where_to_look}: alertmanager; curl -s {stack.url('prometheus', '/api/v1/alertmanagers')}"
    answer = stack.http.get(stack.url("alertmanager", "/-/ready"))
    if not answer.is_success:
        return fail(f"/-/ready answers {answer.status_code}", advice)
    addresses = stack.prometheus.alertmanagers()
    return (
        ok(f"ready; Prometheus sends to {', '.join(addresses)}")
        if addresses
        else fail("ready, but Prometheus sends no alerts to it", advice)
    )


def firing(stack: RunningStack) -> Finding:
    """Nothing fires now, neither for Prometheus nor for Alertmanager, which `cdb alerts` shows."""
    found = [alert.labels for alert in stack.prometheus.alerts() if alert.state == "firing"]
    with suppress(Away), HttpClient(stack.url("alertmanager"), name="Alertmanager") as alertmanager:
        found += [alert.labels for alert in fires_now(alertmanager)]  # if it is away, that is another item's finding
    severities = {labels.get("alertname", ""): labels.get("severity", "") for labels in found}
    names = sorted(name for name in severities if not name.startswith(TEST_ALERT))
    if not names:
        return ok("no alert fires")
    critical = any(severities[name] == CRITICAL for name in names)
    said = ", ".join(f"{name} ({severities[name] or 'no severity'})" for name in names)
    return (fail if critical else warn)(f"fires now: {said}", "cdb alerts; each has its page in monitoring/runbooks/")


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
