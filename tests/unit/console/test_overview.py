"""Overview without a ledger: what fires, what was slow, and that one server away takes nothing else with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from console.ground import Ground
from services.clock import WallClock
from tests.support.answers import with_servers
from tests.support.consoles import client_of, ground_of

HOSTILE = "<script>alert(1)</script>\"'&"
TRACE = "9a89837e" + "0" * 24


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return ground_of(tmp_path, WallClock())


def an_alert(fingerprint: str = "f1", *, inhibited_by: tuple[str, ...] = (), **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": "ServiceDown", "severity": "critical", "service": "cdb_ws", **labels},
        "annotations": {"summary": "cdb_ws is down", "runbook_url": "monitoring/runbooks/ServiceDown.md"},
        "startsAt": "2026-11-23T10:00:00Z",
        "fingerprint": fingerprint,
        "status": {"state": "active", "inhibitedBy": list(inhibited_by), "silencedBy": []},
    }


def a_trace(*, symbol: str = "BTCUSDT", duration_us: int = 171_000, trace_id: str = TRACE) -> dict[str, Any]:
    def tag(key: str, value: str) -> dict[str, str]:
        return {"key": key, "value": value}

    tags = [tag("cdb.symbol", symbol), tag("cdb.side", "BUY"), tag("cdb.verdict", "approved")]
    decide = {"spanID": "1", "operationName": "risk.decide", "startTime": 1_796_000_000_000_000}
    below = {"spanID": "2", "operationName": "risk.read_book", "startTime": 1_796_000_000_000_000}
    parent = [{"refType": "CHILD_OF", "spanID": "1"}]
    return {
        "traceID": trace_id,
        "spans": [
            {**decide, "duration": duration_us, "processID": "p", "tags": tags},
            {**below, "duration": duration_us - 1_000, "processID": "p", "references": parent},
        ],
        "processes": {"p": {"serviceName": "cdb_risk"}},
    }


def page(ground: Ground) -> str:
    answer = client_of(ground).get("/")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_with_all_servers_away_the_page_names_each(ground: Ground) -> None:
    shown = page(ground)
    for name in ("PostgreSQL: ", "Alertmanager at http://127.0.0.1:1 does not answer", "Jaeger at http://127.0.0.1:1"):
        assert name in shown


def test_what_fires_is_shown_with_what_holds_it_back(ground: Ground) -> None:
    alerts = [an_alert(), an_alert("f2", alertname="StaleMarketData", severity="warning", inhibited_by=("f1",))]
    shown = page(with_servers(ground, alertmanager=lambda *_: alerts))
    assert "held back by ServiceDown" in shown
    assert "2026-11-23 10:00:00 UTC" in shown
    assert '<a href="/runbooks/ServiceDown">what to do</a>' in shown
    assert "Alertmanager at" not in shown
    assert "Jaeger at http://127.0.0.1:1 does not answer" in shown, "the others are still away"


def test_nothing_fires_is_not_said_while_alertmanager_is_away(ground: Ground) -> None:
    assert "Nothing fires." not in page(ground)


def test_nothing_fires_if_alertmanager_says_so(ground: Ground) -> None:
    shown = page(with_servers(ground, alertmanager=lambda *_: [], prometheus=lambda *_: 200))
    assert "Nothing fires." in shown
    assert "no alert begins to fire" not in shown


def test_without_prometheus_it_is_said_that_nothing_can_begin_to_fire(ground: Ground) -> None:
    shown = page(with_servers(ground, alertmanager=lambda *_: []))
    assert "Without it no alert begins to fire." in shown
    assert "Nothing fires, as far as Alertmanager knows." in shown


def test_a_slow_decision_leads_to_its_trace(ground: Ground) -> None:
    asked: list[Mapping[str, str]] = []

    def answers(_path: str, parameters: Mapping[str, str]) -> Any:
        asked.append(parameters)
        return {"data": [a_trace()]}

    shown = page(with_servers(ground, jaeger=answers))
    assert f'href="/traces/{TRACE}">9a89837e</a>' in shown
    assert "171 ms" in shown
    assert "risk.read_book, 170 ms" in shown
    (sent,) = asked
    assert int(sent["end"]) - int(sent["start"]) == 15 * 60 * 1_000_000
    assert sent["minDuration"] == "5000us"


def test_many_readers_cost_one_question(ground: Ground) -> None:
    asked: list[str] = []

    def answers(path: str, _parameters: Mapping[str, str]) -> Any:
        asked.append(path)
        return []

    client = client_of(with_servers(ground, alertmanager=answers))
    assert [client.get("/").status_code for _ in range(20)] == [200] * 20
    assert asked == ["/api/v2/alerts"]


def test_what_servers_say_is_text_on_the_page(ground: Ground) -> None:
    alert = an_alert(alertname=HOSTILE, severity=HOSTILE, service=HOSTILE)
    alert["annotations"] = {"summary": HOSTILE, "runbook_url": f"javascript:{HOSTILE}"}
    trace = a_trace(symbol=HOSTILE, trace_id=HOSTILE)
    shown = page(with_servers(ground, alertmanager=lambda *_: [alert], jaeger=lambda *_: {"data": [trace]}))
    assert "<script>alert" not in shown
    assert "javascript:" not in shown
    assert shown.count("&lt;script&gt;") >= 5
