"""What fires now and the notifications that the console has stored, of the stack that runs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from cdb.alerts.firing import Firing, fires_now, inhibitors
from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient
from cdb.running.native import Ports
from cdb.running.native.ports import HOST


class Received(msgspec.Struct, frozen=True):
    """One notification as the receiver has it; *ended_at* is when its alert ended, if that is known."""

    id: int
    status: str
    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ended_at: datetime | None
    received_at: datetime
    last_received_at: datetime
    times: int
    receiver: str


class _Notifications(msgspec.Struct, frozen=True):
    total: int
    notifications: list[Received]


@dataclass(frozen=True)
class Alerts:
    """What both servers know; None from one that did not answer, and *problems* say why."""

    firing: list[Firing] | None
    received: list[Received] | None
    total: int
    problems: list[str] = field(default_factory=list)


def look(ports: Ports, *, limit: int, since: datetime | None) -> Alerts:
    """Ask the stack on *ports* which alerts fire and for its newest *limit* notifications."""
    problems: list[str] = []
    firing: list[Firing] | None = None
    stored: _Notifications | None = None
    try:
        with _client(ports.alertmanager, "Alertmanager") as server:
            firing = fires_now(server)
    except Away as away:
        problems.append(str(away))
    try:
        with _client(ports.cdb_console, "the console") as server:
            asked = {"limit": limit, "since": since.isoformat() if since else None}
            stored = server.read(_Notifications, "/api/notifications", asked)
    except Away as away:
        problems.append(str(away))
    return Alerts(firing, stored.notifications if stored else None, stored.total if stored else 0, problems)


def past(alerts: Alerts) -> list[Received]:
    """One notification, the first, of each alert that was told and does not fire now."""
    firing = {alert.fingerprint for alert in alerts.firing or ()}
    first: dict[tuple[str, datetime], Received] = {}
    for sent in alerts.received or ():  # newest first
        first[sent.fingerprint, sent.starts_at] = sent
    return [sent for sent in first.values() if sent.ended_at or sent.fingerprint not in firing]


def _client(port: int, name: str) -> HttpClient:
    return HttpClient(f"http://{HOST}:{port}", name=name)


def as_json(alerts: Alerts) -> dict[str, Any]:
    """Everything for a program; the names are the command's own."""
    firing = None if alerts.firing is None else [_firing_as_json(alert, alerts.firing) for alert in alerts.firing]
    return {"firing": firing, "received": alerts.received, "total": alerts.total, "problems": alerts.problems}


def _firing_as_json(alert: Firing, all_firing: list[Firing]) -> dict[str, Any]:
    return {
        "alertname": alert.labels.get("alertname", ""),
        "severity": alert.labels.get("severity", ""),
        "state": alert.status.state,
        "fingerprint": alert.fingerprint,
        "inhibited_by": inhibitors(alert, all_firing),
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": alert.starts_at,
    }
