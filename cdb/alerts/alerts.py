"""What fires now, as Alertmanager has it, and the notifications that the console has stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient


class _State(msgspec.Struct, frozen=True, rename="camel"):
    state: str
    inhibited_by: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()


class Firing(msgspec.Struct, frozen=True, rename="camel"):
    """One alert that fires now; *status* says whether its notification is held back, and by which other alerts."""

    labels: dict[str, str]
    annotations: dict[str, str]
    began: str = msgspec.field(name="startsAt")
    fingerprint: str
    status: _State

    @property
    def starts_at(self) -> datetime:
        """When it began; the first moment of the calendar if it has none that the calendar has."""
        try:
            return datetime.fromisoformat(self.began).astimezone(UTC)
        except (ValueError, OverflowError):
            return datetime.min.replace(tzinfo=UTC)


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


def look(alertmanager: HttpClient, console: HttpClient, *, limit: int, since: datetime | None) -> Alerts:
    """Ask which alerts fire, and for the newest *limit* notifications."""
    problems: list[str] = []
    firing: list[Firing] | None = None
    stored: _Notifications | None = None
    try:
        firing = fires_now(alertmanager)
    except Away as away:
        problems.append(str(away))
    try:
        asked = {"limit": limit, "since": since.isoformat() if since else None}
        stored = console.read(_Notifications, "/api/notifications", asked)
    except Away as away:
        problems.append(str(away))
    return Alerts(firing, stored.notifications if stored else None, stored.total if stored else 0, problems)


def fires_now(alertmanager: HttpClient) -> list[Firing]:
    """Ask Alertmanager which alerts fire, newest first. Raises Away."""
    found = alertmanager.read(list[Firing], "/api/v2/alerts")
    return sorted(found, key=lambda alert: alert.starts_at, reverse=True)


def past(alerts: Alerts) -> list[Received]:
    """One notification, the first, of each alert that was told and does not fire now."""
    firing = {alert.fingerprint for alert in alerts.firing or ()}
    first: dict[tuple[str, datetime], Received] = {}
    for sent in alerts.received or ():  # newest first
        first[sent.fingerprint, sent.starts_at] = sent
    return [sent for sent in first.values() if sent.ended_at or sent.fingerprint not in firing]


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


def subject(labels: Mapping[str, str]) -> str:
    """What an alert with *labels* is about: a service, a symbol, or else its component."""
    return labels.get("service") or labels.get("symbol") or labels.get("component", "")


def inhibitors(alert: Firing, all_firing: list[Firing]) -> list[str]:
    """Names of the alerts that hold back the notification of *alert*."""
    names = {other.fingerprint: other.labels.get("alertname", other.fingerprint) for other in all_firing}
    return sorted({names.get(fingerprint, fingerprint) for fingerprint in alert.status.inhibited_by})
