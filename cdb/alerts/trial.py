"""A test notification: sent to Alertmanager as an alert, and followed to each receiver that it is configured with."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
import yaml

from cdb.kit.http_client import HttpClient

Outcome = Literal["delivered", "failed", "not seen"]
TEST_ALERT: Final = "TestNotification"
"""What every test alert's name begins with."""
ENDS_AFTER: Final = timedelta(minutes=1)
_LOOK_S: Final = 0.5
_INTEGRATIONS: Final = {"webhook_configs": "webhook", "slack_configs": "slack", "email_configs": "email"}
"""The receivers that this project configures, as Alertmanager's metrics call them."""
_SAMPLE: Final = re.compile(
    r'^alertmanager_notifications(?P<failed>_failed)?_total\{[^}]*integration="(?P<name>\w+)"[^}]*\} (?P<value>\S+)$',
    re.MULTILINE,
)


@dataclass(frozen=True)
class Trial:
    """The alert's name, and what became of it at each integration."""

    alertname: str
    outcomes: Mapping[str, Outcome]


class _Config(msgspec.Struct, frozen=True):
    original: str


class _Status(msgspec.Struct, frozen=True):
    config: _Config


class _Found(msgspec.Struct, frozen=True):
    notifications: list[dict[str, Any]]


def new_name() -> str:
    """A name of its own for each test alert: a known group's next notification would wait for group_interval."""
    return f"{TEST_ALERT}{secrets.token_hex(3)}"


def send(alertmanager: HttpClient, name: str, *, severity: str, texts: Mapping[str, str], now: datetime) -> None:
    """Send the alert *name*, which ends by itself after a minute. Raises Away."""
    alert = {
        "labels": {"alertname": name, "severity": severity, "component": "test"},
        "annotations": dict(texts),
        "startsAt": now.isoformat(),
        "endsAt": (now + ENDS_AFTER).isoformat(),
    }
    alertmanager.good(alertmanager.send("POST", "/api/v2/alerts", json=[alert]))


def has_arrived(console: HttpClient, name: str) -> bool:
    """Tell whether the console has stored a notification about the alert *name*. Raises Away."""
    return bool(console.read(_Found, "/api/notifications", {"alertname": name}).notifications)


def follow(alertmanager: HttpClient, console: HttpClient, *, severity: str, now: datetime, within_s: float) -> Trial:
    """Send a test alert of *severity*, and wait until every integration has told it or failed. Raises Away.

    Alertmanager counts what it tells to Slack and by e-mail without saying of which alert, so another notification in
    the same seconds may be taken for it.
    """
    name = new_name()
    wanted = configured(alertmanager, severity)
    before = _counts(alertmanager)
    send(alertmanager, name, severity=severity, texts=_TEXTS, now=now)

    def outcomes() -> dict[str, Outcome]:
        since = _counts(alertmanager)
        found = {one: _outcome(before, since, one) for one in wanted}
        return {**found, "webhook": "delivered"} if "webhook" in found and has_arrived(console, name) else found

    return Trial(name, _awaited(outcomes, within_s))


def configured(alertmanager: HttpClient, severity: str) -> list[str]:
    """Integrations that the receiver of *severity* has, as Alertmanager itself says. Raises Away."""
    config = yaml.safe_load(alertmanager.read(_Status, "/api/v2/status").config.original)
    receiver = next(one for one in config["receivers"] if one["name"] == severity)
    return [name for key, name in _INTEGRATIONS.items() if receiver.get(key)]


_TEXTS: Final = {
    "summary": "A test notification; nothing is wrong",
    "description": "Somebody ran cdb alerts test to see whether notifications arrive. It ends by itself.",
}


def _awaited(outcomes: Callable[[], dict[str, Outcome]], within_s: float) -> dict[str, Outcome]:
    deadline = time.monotonic() + within_s
    while "not seen" in (found := outcomes()).values() and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return found


def _counts(alertmanager: HttpClient) -> dict[tuple[str, bool], float]:
    """How many notifications each integration has tried, and of these failed."""
    counts: dict[tuple[str, bool], float] = {}
    for sample in _SAMPLE.finditer(alertmanager.good(alertmanager.get("/metrics")).text):
        key = sample["name"], bool(sample["failed"])
        counts[key] = counts.get(key, 0.0) + float(sample["value"])
    return counts


def _outcome(before: Mapping[tuple[str, bool], float], since: Mapping[tuple[str, bool], float], name: str) -> Outcome:
    tried, failed = (since.get((name, bad), 0.0) > before.get((name, bad), 0.0) for bad in (False, True))
    return "failed" if failed else "delivered" if tried and name != "webhook" else "not seen"
