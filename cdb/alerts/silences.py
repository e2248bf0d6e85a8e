"""Silences of Alertmanager: alerts of which nobody is told for a while."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cdb.kit.errors import Refused
from cdb.kit.http_client import HttpClient


class Matcher(msgspec.Struct, frozen=True, rename="camel"):
    """Which value of a label is meant."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        sign = ("=~" if self.is_equal else "!~") if self.is_regex else "=" if self.is_equal else "!="
        return f"{self.name}{sign}{self.value}"


class _Status(msgspec.Struct, frozen=True):
    state: str


class Silence(msgspec.Struct, frozen=True, rename="camel"):
    """One silence."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    status: _Status


class _Made(msgspec.Struct, frozen=True):
    silence_id: str = msgspec.field(name="silenceID")


def active(alertmanager: HttpClient) -> list[Silence]:
    """Silences that hold now, the one that ends first first. Raises Away."""
    found = alertmanager.read(list[Silence], "/api/v2/silences")
    return sorted((one for one in found if one.status.state == "active"), key=lambda one: one.ends_at)


def silence(
    alertmanager: HttpClient, labels: Mapping[str, str], *, now: datetime, for_: timedelta, who: str, why: str
) -> str:
    """Silence the alert with exactly *labels*; returns the silence's id. Raises Away."""
    body: dict[str, Any] = {
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in sorted(labels.items())
        ],
        "startsAt": now.isoformat(),
        "endsAt": (now + for_).isoformat(),
        "createdBy": who,
        "comment": why,
    }
    answer = alertmanager.good(alertmanager.send("POST", "/api/v2/silences", json=body))
    return alertmanager.decoded(_Made, answer).silence_id


def end(alertmanager: HttpClient, silence_id: str) -> None:
    """End a silence. Raises Away, or Refused if there is none with this id."""
    answer = alertmanager.send("DELETE", f"/api/v2/silence/{silence_id}")
    if answer.status_code in {404, 422}:
        raise Refused(f"there is no silence {silence_id}")
    alertmanager.good(answer)
