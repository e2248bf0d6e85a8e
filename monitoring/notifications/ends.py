"""Ends that nobody tells: of alerts whose Prometheus was restarted while they fired.

A new Prometheus knows nothing of what its predecessor sent, and Alertmanager keeps alerts in memory only. So after a
restart of both, or a restore, nobody else tells the end. Alertmanager's log of notifications stays, so it would take
the next alert with the same labels for the old one, and not send it either.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

import httpx
import msgspec
import structlog

from monitoring.notifications.store import Notification, Store, StoreFailed
from monitoring.notifications.webhook import Alert, Moment
from services.clock import Clock, to_datetime
from services.decoding import prepared

NOTE: Final = "Monitoring was restarted while this alert was firing. Since then its condition no longer holds."
_EVERY_S: Final = 5.0
_TIMEOUT_S: Final = 5.0
_SETTLED: Final = 2.0
"""Intervals of evaluation after a start until every rule has been evaluated and metrics have arrived."""
T = TypeVar("T")
log = structlog.get_logger()


class _Runtime(msgspec.Struct, frozen=True, rename="camel"):
    start_time: Moment


class _Group(msgspec.Struct, frozen=True):
    interval: float = 0.0


class _Rules(msgspec.Struct, frozen=True):
    groups: tuple[_Group, ...]


class _Labelled(msgspec.Struct, frozen=True):
    labels: dict[str, str]


class _Alerts(msgspec.Struct, frozen=True):
    alerts: tuple[_Labelled, ...]


class Ends:
    """Looks for such alerts among those that *store* has as firing, stores their end, and has Alertmanager tell it."""

    def __init__(self, store: Store, *, prometheus: str, alertmanager: str, clock: Clock) -> None:
        self._store = store
        self._prometheus = prometheus.rstrip("/")
        self._alertmanager = alertmanager.rstrip("/")
        self._clock = clock
        self._http = httpx.Client(trust_env=False, timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def watch(self) -> None:
        """Look every few seconds, for ever."""
        said = ""
        while True:
            try:
                self.look()
                said = ""
            except (httpx.HTTPError, msgspec.MsgspecError, StoreFailed) as error:
                if said != str(error):  # not every few seconds
                    said = str(error)
                    log.warning("ends not looked for", error=said)
            time.sleep(_EVERY_S)

    def look(self) -> None:
        """Look once. Raises HTTPError, MsgspecError or StoreFailed."""
        waiting = self._store.open_ones()
        now = to_datetime(self._clock.now_ns())
        if over := self._over(waiting, now) if waiting else []:
            ended = [_ended(one, now) for one in over]
            self._tell(ended)
            for one, alert in zip(over, ended, strict=True):
                self._store.put(one.receiver, [alert])
                log.info("ended by a restart", alertname=one.alertname, starts_at=one.starts_at.isoformat())

    def _over(self, waiting: Sequence[Notification], now: datetime) -> list[Notification]:
        started = self._asked("status/runtimeinfo", _Runtime).start_time
        if not (before := [one for one in waiting if one.starts_at < started]):
            return []
        intervals = [group.interval for group in self._asked("rules", _Rules).groups]
        if (now - started).total_seconds() < _SETTLED * max(intervals, default=0.0):
            return []
        there = [one.labels for one in self._asked("alerts", _Alerts).alerts]  # pending ones, too
        there += [one.labels for one in self._known()]  # Alertmanager tells their end itself
        return [one for one in before if one.labels not in there]

    def _asked(self, path: str, kind: type[T]) -> T:
        answer = self._http.get(f"{self._prometheus}/api/v1/{path}").raise_for_status()
        return msgspec.convert(
            msgspec.json.decode(answer.content, type=prepared(dict[str, object])).get("data"), prepared(kind)
        )

    def _known(self) -> tuple[_Labelled, ...]:
        answer = self._http.get(f"{self._alertmanager}/api/v2/alerts").raise_for_status()
        return msgspec.json.decode(answer.content, type=prepared(tuple[_Labelled, ...]))

    def _tell(self, ended: Sequence[Alert]) -> None:
        body = [
            {
                "labels": alert.labels,
                "annotations": alert.annotations,
                "startsAt": alert.starts_at.isoformat(),
                "endsAt": alert.ends_at.isoformat(),
                "generatorURL": alert.generator_url,
            }
            for alert in ended
        ]
        self._http.post(f"{self._alertmanager}/api/v2/alerts", json=body).raise_for_status()


def _ended(one: Notification, now: datetime) -> Alert:
    return Alert(
        status="resolved",
        labels=one.labels,
        annotations={**one.annotations, "description": NOTE},
        starts_at=one.starts_at,
        ends_at=now,
        fingerprint=one.fingerprint,
        generator_url=one.generator_url,
    )
