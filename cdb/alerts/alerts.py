"""What fires now, as Alertmanager has it, and the notifications that the local receiver has kept."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import httpx
import msgspec

from cdb.kit.printable import cut
from cdb.running.native import Ports
from cdb.running.native.ports import HOST

_TIMEOUT_S: Final = 5.0


class AlertsAway(Exception):
    """A part that knows of alerts does not answer, or not as it should; the text says which."""


class _State(msgspec.Struct, frozen=True, rename="camel"):
    state: str
    inhibited_by: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()


class Firing(msgspec.Struct, frozen=True, rename="camel"):
    """One alert that fires now; *status* says whether its notification is held back, and by which other ones."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    fingerprint: str
    status: _State


class Received(msgspec.Struct, frozen=True):
    """One notification as the receiver has it; *ended_at* is when its alert ended, if that is known."""

    id: int
    status: str
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
    """What could be found out; None of what could not, and then *problems* say why."""

    firing: list[Firing] | None
    received: list[Received] | None
    total: int
    problems: list[str] = field(default_factory=list)


T = TypeVar("T")


def look(ports: Ports, *, limit: int, since: datetime | None) -> Alerts:
    """Ask Alertmanager and the receiver of the stack on *ports* for what fires and the newest *limit* notifications."""
    problems: list[str] = []
    firing: list[Firing] | None = None
    kept: _Notifications | None = None
    try:
        firing = _ask(list[Firing], ports.alertmanager, "/api/v2/alerts", who="Alertmanager")
        firing.sort(key=lambda alert: alert.starts_at, reverse=True)
    except AlertsAway as away:
        problems.append(str(away))
    asked = {"limit": str(limit), **({"since": since.isoformat()} if since else {})}
    try:
        kept = _ask(
            _Notifications, ports.alert_receiver, "/api/notifications", who="the alert receiver", parameters=asked
        )
    except AlertsAway as away:
        problems.append(str(away))
    return Alerts(firing, kept.notifications if kept else None, kept.total if kept else 0, problems)


def _ask(kind: type[T], port: int, path: str, *, who: str, parameters: dict[str, str] | None = None) -> T:
    """Return the answer to GET *path* as *kind*; raise AlertsAway."""
    try:
        # Not by way of a proxy that the environment may name: this is the same machine.
        with httpx.Client(base_url=f"http://{HOST}:{port}", timeout=_TIMEOUT_S, trust_env=False) as client:
            reply = client.get(path, params=parameters)
    except httpx.HTTPError as error:
        raise AlertsAway(f"{who} does not answer on port {port} ({error})") from error
    if reply.status_code != httpx.codes.OK:
        raise AlertsAway(f"{who} on port {port} answers {reply.status_code}: {cut(reply.text.strip(), 200)}")
    try:
        return msgspec.json.decode(reply.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AlertsAway(f"what answers on port {port} is not {who}: {error}") from error


def as_json(alerts: Alerts) -> dict[str, Any]:
    """Return all of it for a program; the names are the command's own, times ISO 8601."""
    firing = (
        None
        if alerts.firing is None
        else [
            {
                "alertname": one.labels.get("alertname", ""),
                "severity": one.labels.get("severity", ""),
                "state": one.status.state,
                "inhibited_by": inhibitors(one, alerts.firing),
                "labels": one.labels,
                "annotations": one.annotations,
                "starts_at": one.starts_at,
            }
            for one in alerts.firing
        ]
    )
    return {"firing": firing, "received": alerts.received, "total": alerts.total, "problems": alerts.problems}


def inhibitors(alert: Firing, all_firing: list[Firing]) -> list[str]:
    """Return the names of the alerts that hold back the notification of *alert*."""
    names = {one.fingerprint: one.labels.get("alertname", one.fingerprint) for one in all_firing}
    return sorted({names.get(fingerprint, fingerprint) for fingerprint in alert.status.inhibited_by})
