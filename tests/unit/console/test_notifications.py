"""Notifications: what the console keeps, what it refuses, what it shows."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from monitoring.notifications.store import FILE, Store
from tests.support.consoles import client_of, ground_of

NOT_OVER = "0001-01-01T00:00:00Z"
BEGAN, ENDED = "2026-11-23T10:00:00.123456789Z", "2026-11-23T10:05:00Z"


class HandClock:
    """A clock that a test sets, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1_000

    def now_ns(self) -> int:
        return self.seconds * 1_000_000_000

    def advance(self, _ts_event: int) -> None:
        raise AssertionError("nothing here moves the clock")

    def is_ahead(self, _ts_event: int, *, seen_ns: int | None = None) -> bool:
        raise AssertionError("nothing here asks for that")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def client(tmp_path: Path, clock: HandClock) -> FlaskClient:
    return client_of(ground_of(tmp_path, clock, keep=5))


def an_alert(status: str = "firing", *, fingerprint: str = "f1", **changed: Any) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "ServiceDown", "severity": "critical", "service": "cdb_ws"},
        "annotations": {"summary": "cdb_ws is down", "runbook_url": "monitoring/runbooks/ServiceDown.md"},
        "startsAt": BEGAN,
        "endsAt": NOT_OVER if status == "firing" else ENDED,
        "fingerprint": fingerprint,
        "generatorURL": "http://localhost:19090/graph",
        **changed,
    }


def a_body(*alerts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "k", "receiver": "critical", "alerts": list(alerts), **changed}


def post(client: FlaskClient, *alerts: dict[str, Any]) -> None:
    reply = client.post("/webhook", json=a_body(*alerts))
    assert (reply.status_code, reply.get_json()) == (200, {"kept": len(alerts)})


def kept(client: FlaskClient, **asked: Any) -> list[Any]:
    reply = client.get("/api/notifications", query_string=asked)
    assert reply.status_code == 200, reply.get_json()
    found: list[Any] = reply.get_json()["notifications"]
    return found


def page(client: FlaskClient) -> str:
    return client.get("/alerts").get_data(as_text=True)


def test_a_notification_is_kept_with_all_that_came(client: FlaskClient) -> None:
    post(client, an_alert())
    (found,) = kept(client)
    assert found == {
        "id": 1,
        "alertname": "ServiceDown",
        "severity": "critical",
        "status": "firing",
        "receiver": "critical",
        "labels": an_alert()["labels"],
        "annotations": an_alert()["annotations"],
        "generator_url": "http://localhost:19090/graph",
        "fingerprint": "f1",
        "starts_at": "2026-11-23T10:00:00.123457+00:00",
        "ended_at": None,
        "received_at": "1970-01-01T00:16:40+00:00",
        "last_received_at": "1970-01-01T00:16:40+00:00",
        "times": 1,
    }


def test_a_repeat_is_counted_and_brings_the_figures_of_now(client: FlaskClient, clock: HandClock) -> None:
    post(client, an_alert())
    clock.seconds += 60
    post(client, an_alert(annotations={"summary": "still down"}))
    (found,) = kept(client)
    assert (found["times"], found["annotations"]) == (2, {"summary": "still down"})
    assert (found["received_at"][-14:], found["last_received_at"][-14:]) == ("00:16:40+00:00", "00:17:40+00:00")


def test_the_end_of_an_alert_is_known_on_both_of_its_notifications(client: FlaskClient) -> None:
    post(client, an_alert())
    post(client, an_alert("resolved"))
    assert [(one["status"], one["ended_at"]) for one in kept(client)] == [
        ("resolved", "2026-11-23T10:05:00+00:00"),
        ("firing", "2026-11-23T10:05:00+00:00"),
    ]


def test_an_alert_that_comes_back_is_a_notification_of_its_own(client: FlaskClient) -> None:
    post(client, an_alert())
    post(client, an_alert("resolved"))
    post(client, an_alert(startsAt="2026-11-23T11:00:00Z"))
    assert [(one["status"], one["ended_at"] is None) for one in kept(client)] == [
        ("firing", True),
        ("resolved", False),
        ("firing", False),
    ]


def test_only_the_newest_are_kept(client: FlaskClient) -> None:
    for number in range(8):
        post(client, an_alert(fingerprint=f"f{number}"))
        post(client, an_alert(fingerprint=f"f{number}"))
    assert [one["fingerprint"] for one in kept(client)] == ["f7", "f6", "f5", "f4", "f3"]


def test_notifications_survive_the_process(tmp_path: Path, clock: HandClock, client: FlaskClient) -> None:
    post(client, an_alert())
    again = client_of(ground_of(tmp_path, clock, keep=5))
    assert kept(again) == kept(client)


def test_notifications_can_be_chosen(client: FlaskClient, clock: HandClock) -> None:
    post(client, an_alert(fingerprint="old"))
    clock.seconds += 100
    post(client, an_alert("resolved", fingerprint="old"))
    post(client, an_alert(fingerprint="new", labels={"alertname": "RedisUnavailable"}))
    assert [one["fingerprint"] for one in kept(client, alertname="RedisUnavailable")] == ["new"]
    assert [one["fingerprint"] for one in kept(client, status="resolved")] == ["old"]
    assert [one["id"] for one in kept(client, since=1_001)] == [3, 2]
    assert [one["id"] for one in kept(client, since="1970-01-01T01:16:41+01:00")] == [3, 2]
    assert [one["id"] for one in kept(client, limit=1)] == [3]
    assert kept(client, since="9999-12-31T00:00:00Z") == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("since=yesterday", "since must be seconds since 1970 or a time such as 2026-11-23T10:00:00Z; got 'yesterday'"),
        ("since=2026-11-23T10:00:00", "since must be seconds since 1970"),
        ("since=-1", "since must be seconds since 1970"),
        ("limit=0", "limit must be a whole number from 1 to 10000; got '0'"),
        ("status=on", "status must be one of firing, resolved; got 'on'"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(client: FlaskClient, asked: str, said: str) -> None:
    reply = client.get(f"/api/notifications?{asked}")
    assert reply.status_code == 400
    assert said in reply.get_json()["error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
        (b'{"receiver": ' * 100_000, "receiver"),
        (b'{"version": "4", "receiver": "x"}', "missing required field `alerts`"),
        (b'{"version": "3", "receiver": "x", "alerts": []}', "`$.version`"),
        (b'{"version": "4", "receiver": "x", "alerts": [{"status": "x"}]}', "`$.alerts[0].status`"),
        (b'{"version": "4", "receiver": "\\ud800", "alerts": []}', "surrogate"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_not_alertmanagers_is_refused_saying_where(client: FlaskClient, body: bytes, said: str) -> None:
    reply = client.post("/webhook", data=body, content_type="application/json")
    assert reply.status_code == 400
    assert reply.get_json()["error"].startswith("this is no notification of Alertmanager (webhook, version 4): ")
    assert said in reply.get_json()["error"]
    assert kept(client) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"startsAt": "yesterday"},
        {"startsAt": "2026-11-23T10:00:00"},
        {"endsAt": 5},
        {"labels": {"alertname": 5}},
        {"annotations": None},
        {"fingerprint": ""},
        {"fingerprint": "f" * 65},
    ],
    ids=str,
)
def test_one_wrong_alert_has_none_of_its_notification_kept(client: FlaskClient, changed: dict[str, Any]) -> None:
    """Alertmanager sends all of it again, or none."""
    wrong = {**an_alert(), **changed}
    reply = client.post("/webhook", json=a_body(an_alert(fingerprint="right"), wrong))
    assert reply.status_code == 400
    assert "`$.alerts[1]" in reply.get_json()["error"] or "`$.alerts[...]" in reply.get_json()["error"]
    assert kept(client) == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-11-23T10:00:00+14:00"])
def test_every_time_that_can_be_written_is_kept(client: FlaskClient, moment: str) -> None:
    post(client, an_alert("resolved", startsAt=moment, endsAt=moment))
    assert len(kept(client)) == 1
    assert "resolved" in page(client)


def test_what_came_from_a_newer_alertmanager_is_kept_without_what_is_not_known(client: FlaskClient) -> None:
    reply = client.post("/webhook", json=a_body({**an_alert(), "new": 1}, truncatedAlerts=2, notificationReason="x"))
    assert reply.status_code == 200
    assert len(kept(client)) == 1


def test_a_form_of_a_foreign_page_is_refused(client: FlaskClient) -> None:
    """A browser sends text to any address, but not JSON without asking it first."""
    reply = client.post("/webhook", data=b"{}", content_type="text/plain")
    assert (reply.status_code, reply.get_json()) == (
        400,
        {"error": "the content type must be application/json; got 'text/plain'"},
    )


def test_a_body_beyond_4_mb_is_refused(client: FlaskClient) -> None:
    assert client.post("/webhook", data=b"x" * 4_200_000, content_type="application/json").status_code == 413


def test_a_file_that_cannot_be_used_is_a_503_so_that_alertmanager_tries_again(
    client: FlaskClient, tmp_path: Path
) -> None:
    for file in tmp_path.glob(f"{FILE}*"):
        file.unlink()
    (tmp_path / FILE).mkdir()
    assert client.post("/webhook", json=a_body(an_alert())).status_code == 503
    health = client.get("/health")
    assert health.status_code == 503
    assert str(tmp_path / FILE) in health.get_json()["error"]


def test_health_is_200_while_the_file_can_be_used(client: FlaskClient) -> None:
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("damage", [lambda whole: b"something else" * 500, lambda whole: whole[:100] + b"?" * 5_000])
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(
    tmp_path: Path, clock: HandClock, damage: Callable[[bytes], bytes]
) -> None:
    Store(tmp_path, keep=5, clock=clock)
    file = tmp_path / FILE
    file.write_bytes(damage(file.read_bytes()))
    content = file.read_bytes()
    store = Store(tmp_path, keep=5, clock=clock)
    assert store.damaged
    assert store.damaged.read_bytes() == content
    assert store.count() == 0
    assert Store(tmp_path, keep=5, clock=clock).damaged is None


def test_a_writer_waits_for_another_and_readers_do_not(client: FlaskClient, tmp_path: Path) -> None:
    post(client, an_alert())
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("BEGIN IMMEDIATE")
    assert len(kept(client)) == 1
    other.rollback()
    other.close()
    post(client, an_alert(fingerprint="f2"))


def test_the_page_says_what_fires_and_what_has_ended(client: FlaskClient) -> None:
    assert "No notification has arrived yet." in page(client)
    post(client, an_alert())
    assert "<title>1 firing" in page(client)
    post(client, an_alert("resolved"))
    shown = page(client)
    assert "<title>All quiet" in shown
    assert "firing, has ended" in shown
    assert "2026-11-23 10:00:00 UTC" in shown
    assert "2026-11-23 10:05:00 UTC" in shown


def test_an_alert_fires_however_many_notifications_came_after_its_own(tmp_path: Path, clock: HandClock) -> None:
    client = client_of(ground_of(tmp_path, clock))
    post(client, an_alert(fingerprint="the oldest"))
    post(client, *(an_alert("resolved", fingerprint=f"f{number}") for number in range(300)))
    assert "<title>1 firing" in page(client)
    assert page(client).count("<article") == 200


def test_whatever_an_alert_says_is_text_on_the_page(client: FlaskClient) -> None:
    hostile = "<script>alert(1)</script>\"'&"
    labels = dict.fromkeys(("alertname", "severity", "service", "component"), hostile)
    annotations = dict.fromkeys(("summary", "description", "runbook_url", "dashboard_url"), hostile)
    post(client, an_alert(labels=labels, annotations=annotations, generatorURL=f"http://{hostile}"))
    shown = page(client)
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;") >= 5


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//elsewhere", "../../etc/passwd", "x\0"])
def test_an_address_that_leads_nowhere_is_no_link(client: FlaskClient, link: str) -> None:
    annotations = {"runbook_url": link, "dashboard_url": link}
    post(client, an_alert(annotations=annotations, generatorURL=link))
    shown = page(client)
    assert link not in [*re.findall('href="([^"]*)"', shown)]
    assert shown.count("<article") == 1


def test_a_runbook_is_one_click_away(client: FlaskClient) -> None:
    post(client, an_alert())
    assert '<a href="/runbooks/ServiceDown">what to do</a>' in page(client)
    shown = client.get("/runbooks/ServiceDown")
    assert "<h1>ServiceDown</h1>" in shown.get_data(as_text=True)


@pytest.mark.parametrize("name", ["Nothing", "..", "%2e%2e%2f%2e%2e%2fREADME", "ServiceDown.md", "x" * 200])
def test_what_is_no_runbook_is_not_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/runbooks/{name}").status_code == 404


def test_the_webhook_only_takes_posts(client: FlaskClient) -> None:
    assert client.get("/webhook").status_code == 405


@pytest.mark.parametrize("began", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_the_calendar_of_utc_has_not_is_the_nearest(client: FlaskClient, began: str) -> None:
    assert client.post("/webhook", json=a_body(an_alert(startsAt=began))).status_code == 200
    (kept,) = client.get("/api/notifications").get_json()["notifications"]
    assert kept["starts_at"][:4] == began[:4]
    assert "cdb_ws is down" in client.get("/alerts").get_data(as_text=True)


def test_a_store_that_cannot_be_read_hides_nothing_else(client: FlaskClient, tmp_path: Path) -> None:
    for file in tmp_path.glob(f"{FILE}*"):
        file.write_bytes(b"garbage " * 600)
    shown = client.get("/alerts")
    assert shown.status_code == 200
    assert "not a database" in shown.get_data(as_text=True)
    assert "Firing now" in shown.get_data(as_text=True)


def test_a_runbook_leads_from_a_command_to_the_page_that_does_the_same(client: FlaskClient) -> None:
    shown = client.get("/runbooks/CircuitBreakerActivated").get_data(as_text=True)
    assert '<a href="/act/reset"><code>cdb breaker reset</code></a>' in shown
    assert '<a href="/act/flatten"><code>cdb flatten</code></a>' in shown
