"""Which ends the receiver tells itself, by what Prometheus and Alertmanager say."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from monitoring.notifications.ends import NOTE, Ends
from monitoring.notifications.store import Notification, Store
from monitoring.notifications.webhook import Alert
from services.clock import WallClock
from tests.integration.cdb.fake_server import Answer, fake_server

pytestmark = pytest.mark.integration

LABELS: Final = {"alertname": "ServiceDown", "severity": "critical", "service": "cdb_core"}
OTHER: Final = {**LABELS, "service": "cdb_ws"}
MINUTE: Final = timedelta(minutes=1)


def alert(status: Any = "firing", labels: Mapping[str, str] = LABELS, *, ago: timedelta = 60 * MINUTE) -> Alert:
    now = datetime.now(UTC)
    return Alert(
        status=status,
        labels=dict(labels),
        annotations={"summary": "cdb_core is down", "description": "It does not answer."},
        starts_at=now - ago,
        ends_at=now,
        fingerprint=labels["service"],
    )


@contextmanager
def servers(
    *,
    started: timedelta,
    fires: tuple[Mapping[str, str], ...] = (),
    known: tuple[Mapping[str, str], ...] = (),
    status: int = 200,
) -> Iterator[tuple[str, list[str]]]:
    """Answer as Prometheus, up for *started*, and Alertmanager; yields the address and the paths that were asked."""
    asked: list[str] = []
    answers = {
        "/api/v1/status/runtimeinfo": {"startTime": (datetime.now(UTC) - started).isoformat()},
        "/api/v1/rules": {"groups": [{"interval": 15}, {"interval": 60}]},
        "/api/v1/alerts": {"alerts": [{"labels": labels, "state": "pending"} for labels in fires]},
    }

    def answer(path: str, _sent: Mapping[str, str], _headers: Mapping[str, str]) -> Answer:
        asked.append(path)
        if path == "/api/v2/alerts":
            return status, [{"labels": labels} for labels in known]
        return status, {"status": "success", "data": answers[path]}

    with fake_server(answer) as port:
        yield f"http://127.0.0.1:{port}", asked


def looked(store: Store, address: str) -> list[Notification]:
    """Let the receiver look once; returns what it then has, oldest first."""
    with closing(Ends(store, prometheus=address, alertmanager=address, clock=WallClock())) as ends:
        ends.look()
    return store.newest(100)[::-1]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, keep=100, clock=WallClock())


def test_an_alert_that_a_new_prometheus_does_not_know_has_ended_and_that_is_told(store: Store) -> None:
    store.put("critical", [alert()])
    with servers(started=5 * MINUTE) as (address, asked):
        fired, ended = looked(store, address)
    assert (fired.status, ended.status, ended.receiver) == ("firing", "resolved", "critical")
    assert fired.ended_at == ended.ended_at is not None
    assert ended.annotations == {"summary": "cdb_core is down", "description": NOTE}
    assert store.open_ones() == []
    assert asked.count("/api/v2/alerts") == 2, "asked what it knows, then told"


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"started": 5 * MINUTE, "fires": (LABELS,)}, id="it is pending or fires again"),
        pytest.param({"started": 5 * MINUTE, "known": (LABELS,)}, id="Alertmanager has it and will tell its end"),
        pytest.param({"started": 119 * timedelta(seconds=1)}, id="not every rule was evaluated twice yet"),
        pytest.param({"started": 120 * MINUTE}, id="Prometheus was there when it began"),
    ],
)
def test_an_alert_whose_end_is_not_certain_stays_open(state: dict[str, Any], store: Store) -> None:
    store.put("critical", [alert()])
    with servers(**state) as (address, _):
        assert [one.status for one in looked(store, address)] == ["firing"]


def test_only_what_has_ended_is_ended(store: Store) -> None:
    store.put("critical", [alert(), alert(labels=OTHER)])
    with servers(started=5 * MINUTE, fires=(OTHER,)) as (address, _):
        looked(store, address)
    assert [one.labels for one in store.open_ones()] == [OTHER]


def test_nobody_is_asked_while_nothing_is_open(store: Store) -> None:
    begun = alert()
    store.put("critical", [begun, msgspec.structs.replace(begun, status="resolved")])
    with servers(started=5 * MINUTE) as (address, asked):
        assert [one.status for one in looked(store, address)] == ["firing", "resolved"]
    assert asked == []


@pytest.mark.parametrize("status", [503, 500, 404])
def test_a_server_that_is_not_ready_ends_nothing(status: int, store: Store) -> None:
    store.put("critical", [alert()])
    with servers(started=5 * MINUTE, status=status) as (address, _), pytest.raises(httpx.HTTPError):
        looked(store, address)
    assert len(store.open_ones()) == 1
