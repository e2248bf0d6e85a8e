"""What fires now, as Alertmanager has it."""

from datetime import datetime

import msgspec

from cdb.kit.http_client import HttpClient


class _State(msgspec.Struct, frozen=True, rename="camel"):
    state: str
    inhibited_by: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()


class Firing(msgspec.Struct, frozen=True, rename="camel"):
    """One alert that fires now; *status* says whether its notification is held back, and by which other alerts."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    fingerprint: str
    status: _State


def fires_now(alertmanager: HttpClient) -> list[Firing]:
    """Ask which alerts fire, newest first. Raises Away."""
    found = alertmanager.read(list[Firing], "/api/v2/alerts")
    return sorted(found, key=lambda alert: alert.starts_at, reverse=True)


def inhibitors(alert: Firing, all_firing: list[Firing]) -> list[str]:
    """Names of the alerts that hold back the notification of *alert*."""
    names = {other.fingerprint: other.labels.get("alertname", other.fingerprint) for other in all_firing}
    return sorted({names.get(fingerprint, fingerprint) for fingerprint in alert.status.inhibited_by})
