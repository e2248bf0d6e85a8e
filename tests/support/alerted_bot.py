"""A whole bot whose monitoring is ten times as fast, and the notifications that the console gets."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from cdb.running.native import Stack, StackConfig, select
from tests.support.bot import LIVELY, Bot
from tests.support.fast_copy import FAST_EXPORTS, make_fast_copy
from tests.support.programs import require_parts
from tests.support.waiting import until

SETTINGS: Final = {
    **LIVELY,
    **FAST_EXPORTS,
    "SIMULATOR_TRADES_PER_SECOND": "20",
    "MOMENTUM_LOOKBACK_S": "1",
}
"""Lively, but with so few trades that signals are far more than a twentieth of what cdb_risk handles."""
PARTS: Final = tuple(part.name for part in select(()) if part.name != "grafana")
"""All parts but Grafana: these tests read no dashboard."""
PATIENCE_S: Final = 120.0
"""Enough for the slowest alert (its `for` and its window) or a group interval: half a minute on an idle machine."""


@dataclass(frozen=True)
class Alert:
    """An alert as it arrives at the receiver. *labels*: all but name, severity and component."""

    name: str
    severity: str
    component: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def title(self) -> str:
        """Name and label values, which tell it from other alerts of that name."""
        return " ".join((self.name, *self.labels.values()))

    def is_in(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* include all labels of this alert."""
        wanted = {"alertname": self.name, "severity": self.severity, "component": self.component, **self.labels}
        return wanted.items() <= labels.items()


@dataclass
class Told:
    """Delays of one alert's notifications in seconds: firing after its cause, resolved after the end of the cause."""

    alert: Alert
    cause: str
    caused_at: float
    told_after_s: float | None = None
    ended_at: float | None = None
    resolved_after_s: float | None = None


TOLD: Final[pytest.StashKey[list[Told]]] = pytest.StashKey()
"""Delays of every alert that the run has caused, for the table at its end."""


class Watch:
    """Records when causes begin and end, and waits for the notifications."""

    def __init__(self, bot: Bot, table: list[Told]) -> None:
        self.bot = bot
        self._table = table

    def begin(self, cause: str, *alerts: Alert, at: float | None = None) -> None:
        """Record that the *cause* of *alerts* begins now, or began at Unix time *at*."""
        self._table += [Told(alert, cause, at or time.time()) for alert in alerts]

    def end(self, *alerts: Alert) -> None:
        """Record that the cause of *alerts* ends now."""
        for alert in alerts:
            self._newest(alert).ended_at = time.time()

    def until_told(self, *alerts: Alert) -> None:
        """Wait until each of *alerts* has been notified as firing; begin() comes first."""
        for alert in alerts:
            row = self._newest(alert)
            got = self._until("firing", alert, since=row.caused_at)
            row.told_after_s = _seconds(got["received_at"]) - row.caused_at

    def until_resolved(self, *alerts: Alert) -> None:
        """Wait until each of *alerts* has been notified as resolved; end() comes first."""
        for alert in alerts:
            row = self._newest(alert)
            assert row.ended_at is not None, f"the cause of {alert.title} has not ended"
            got = self._until("resolved", alert, since=row.caused_at)
            row.resolved_after_s = _seconds(got["received_at"]) - row.ended_at

    def notifications(self, *, since: float) -> list[dict[str, Any]]:
        """Notifications that arrived after Unix time *since*, oldest first."""
        status, body = self.bot.ask("cdb_console", f"/api/notifications?since={since:.3f}&limit=1000")
        assert status == 200, body
        return [one for one in reversed(body["notifications"]) if _seconds(one["received_at"]) >= since]

    def alerts(self, *states: str) -> list[dict[str, str]]:
        """Labels of the alerts that are in one of *states* (firing, pending) in Prometheus."""
        found = self.bot.prometheus("alerts")["alerts"]
        return [one["labels"] for one in found if one["state"] in states]

    def names(self, *states: str) -> set[str]:
        """Names of the alerts that are in one of *states* in Prometheus."""
        return {labels["alertname"] for labels in self.alerts(*states)}

    def suppressed(self) -> set[tuple[str, str]]:
        """Name and service of the alerts that Alertmanager holds back because of an inhibition."""
        status, found = self.bot.ask("alertmanager", "/api/v2/alerts?active=false&silenced=false&inhibited=true")
        assert status == 200, found
        inhibited = [one for one in found if one["status"]["inhibitedBy"]]
        return {(one["labels"]["alertname"], one["labels"].get("service", "")) for one in inhibited}

    def until_suppressed(self, *wanted: tuple[str, str]) -> None:
        """Wait until each alert of *wanted* (name and service) is inhibited."""
        until(
            self.suppressed,
            holds=lambda seen: set(wanted) <= seen,
            within_s=PATIENCE_S,
            what=f"{', '.join(' '.join(one).strip() for one in wanted)} inhibited",
            every_s=0.5,
        )

    def until_over(self, *names: str) -> None:
        """Wait until no alert of these *names* is pending or firing, and the last notification of each is "resolved".

        One that begins anew before its end was told is, to Alertmanager, the same that still fires.
        """
        self._until_none(lambda: (self.names("pending", "firing") | self._told_as_firing()) & set(names))

    def until_quiet(self, *, but: frozenset[str] = frozenset()) -> None:
        """Wait until no alert is pending or firing, except those named in *but*.

        LowWinRate may: it is about the trades closed last, and what a test has lost stays lost.
        """
        self._until_none(lambda: self.names("pending", "firing") - but - {"LowWinRate"})

    def _until_none(self, look: Callable[[], set[str]]) -> None:
        until(look, holds=lambda names: not names, within_s=PATIENCE_S, what="no such alert", every_s=0.5)

    def _told_as_firing(self) -> set[str]:
        newest = {one["fingerprint"]: one for one in self.notifications(since=0)}
        return {one["alertname"] for one in newest.values() if one["status"] == "firing"}

    def _until(self, status: str, alert: Alert, *, since: float) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            got = self.notifications(since=since)
            return [one for one in got if one["status"] == status and alert.is_in(one["labels"])]

        try:
            return until(
                found, within_s=PATIENCE_S, what=f"the notification that {alert.title} is {status}", every_s=0.5
            )[0]
        except AssertionError as error:
            seen = {
                "Prometheus": self.alerts("pending", "firing"),
                "the receiver": [(one["status"], one["labels"]) for one in self.notifications(since=since)],
                "inhibited": self.suppressed(),
            }
            raise AssertionError(f"{error}\n" + "\n".join(f"{who}: {what}" for who, what in seen.items())) from None

    def _newest(self, alert: Alert) -> Told:
        return next(row for row in reversed(self._table) if row.alert == alert)


@contextmanager
def watched_ten_times_as_fast(
    place: Path,
    *,
    settings: Mapping[str, str] = SETTINGS,
    before_prometheus: Callable[[Stack], None] = lambda stack: None,
) -> Iterator[Bot]:
    """Run all parts with the fast copy of the committed configuration; removed afterwards.

    *before_prometheus* is called when all other parts are ready and Prometheus does not run.
    """
    root = make_fast_copy(place / "fast-copy")
    stack = Stack(StackConfig.isolated(root, place / "state", parts=select(PARTS), environment=settings))
    require_parts(stack.config)
    try:
        _start(stack, before_prometheus)
        yield Bot(stack)
    finally:
        stack.remove()


def _start(stack: Stack, before_prometheus: Callable[[Stack], None]) -> None:
    """Start Prometheus last, or it would alert on parts that are still starting."""
    stack.start()
    stack.stop_part("prometheus")
    until(
        lambda: [part.name for part in stack.status() if not part.ready],
        holds=lambda waiting: waiting == ["prometheus"],
        within_s=PATIENCE_S,
        what="all but Prometheus ready",
    )
    before_prometheus(stack)
    stack.start_part("prometheus")
    failure = stack.wait_ready(PATIENCE_S)
    assert failure is None, failure


def table(rows: list[Told]) -> list[str]:
    """Delays as text, one line per alert."""
    widths = "{:<48} {:<48} {:>10} {:>14}"
    head = widths.format("alert", "cause", "told after", "resolved after")
    return [
        head,
        *(
            widths.format(row.alert.title, row.cause, _shown(row.told_after_s), _shown(row.resolved_after_s))
            for row in rows
        ),
    ]


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
