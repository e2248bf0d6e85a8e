"""The pages of traces, on a Jaeger made by hand that answers as the real one does."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient

from cdb.kit.prometheus import Prometheus
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import Span, Trace
from services.clock import Clock
from tests.support.clocks import SettableClock
from tests.support.consoles import NOWHERE, client_of, ground_of
from tests.support.waiting import until
from tests.unit.cdb.trace.building import ID, WHOLE, ZERO, span, trace

NOW = ZERO * 1_000 + 60_000_000_000
HOSTILE = "<script>alert(1)</script>"


def as_jaeger(made: Trace) -> dict[str, object]:
    """*made* as Jaeger writes it."""
    services = {name: f"p{number}" for number, name in enumerate(sorted({one.service for one in made.spans}))}
    return {
        "traceID": made.trace_id,
        "spans": [
            {
                "spanID": one.span_id,
                "operationName": one.name,
                "startTime": one.start_us,
                "duration": one.duration_us,
                "processID": services[one.service],
                "references": [{"refType": "CHILD_OF", "spanID": one.parent_id}] if one.parent_id else [],
                "tags": [{"key": key, "value": value} for key, value in one.attributes.items()],
            }
            for one in made.spans
        ],
        "processes": {number: {"serviceName": name} for name, number in services.items()},
    }


@dataclass
class Stored:
    """A Jaeger that has *traces* and remembers what it was asked. Without them it is away."""

    traces: list[Trace] | None
    asked: list[httpx.QueryParams] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.traces is None:
            raise httpx.ConnectError("refused")
        self.asked.append(request.url.params)
        if request.url.path == "/api/services":
            return httpx.Response(200, json={"data": ["cdb_core", "cdb_risk"]})
        if request.url.path == "/api/traces":
            tags = json.loads(request.url.params.get("tags", "{}"))
            found = [one for one in self.traces if all(_has(one, *tag) for tag in tags.items())]
            return httpx.Response(200, json={"data": [as_jaeger(one) for one in found]})
        found = [one for one in self.traces if request.url.path.endswith(one.trace_id)]
        return httpx.Response(200 if found else 404, json={"data": [as_jaeger(one) for one in found]})


def _has(made: Trace, key: str, value: str) -> bool:
    if key == "error":
        return any(one.failed for one in made.spans)
    return any(one.text(key) == value for one in made.spans)


def usual(_request: httpx.Request) -> httpx.Response:
    """A Prometheus that knows of one kind of span how long it usually takes."""
    labels = {"service_name": "cdb_risk", "span_name": "risk.read_state"}
    counts = (("0.001", "5"), ("0.002", "100"), ("+Inf", "100"))
    buckets = [{"metric": labels | {"le": le}, "value": [0, count]} for le, count in counts]
    return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": buckets}})


Opened = Callable[..., FlaskClient]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """A console on a Jaeger, with logs and with what is usual if asked for."""

    def open_one(
        stored: Stored, *, knows_usual: bool = True, logs: bool = True, clock: Clock | None = None
    ) -> FlaskClient:
        (tmp_path / "logs").mkdir()
        settings: dict[str, Any] = {"CDB_CONSOLE_LOGS": str(tmp_path / "logs")} if logs else {}
        ground = ground_of(tmp_path, clock or SettableClock(NOW), **settings)
        ground = replace(ground, jaeger=Jaeger(NOWHERE, transport=httpx.MockTransport(stored)))
        if knows_usual:
            ground = replace(ground, prometheus=Prometheus(NOWHERE, transport=httpx.MockTransport(usual)))
        return client_of(ground)

    return open_one


def text(client: FlaskClient, path: str, *, status: int = 200) -> str:
    reply = client.get(path)
    assert reply.status_code == status, reply.get_data(as_text=True)
    return reply.get_data(as_text=True)


def another(number: int, *spans: Span) -> Trace:
    return Trace(f"{number:032x}", spans)


def test_slow_decisions_are_listed_with_their_longest_step_and_lead_to_their_trace(opened: Opened) -> None:
    fast = another(1, span("risk.decide", 0, 49_999))
    shown = text(opened(Stored([WHOLE, fast])), "/traces")
    assert f'href="/traces/{ID}"' in shown
    for said in ("303 ms", "risk.read_state", "BTCUSDT", "approved"):
        assert said in shown
    assert fast.trace_id not in shown


def test_failed_and_rejected_traces_are_asked_for_by_tag(opened: Opened) -> None:
    bad = another(1, span("process orders", 0, 9, otel__status_code="ERROR", error__type="ServerAway"))
    no = another(2, span("risk.decide", 0, 9, cdb__verdict="rejected", cdb__reason="EXPOSURE_LIMIT"))
    client = opened(Stored([WHOLE, bad, no]))
    failed, rejected = text(client, "/traces?kind=failed&since=1h"), text(client, "/traces?kind=rejected")
    assert "cdb_risk process orders: ServerAway" in failed
    assert [bad.trace_id in failed, no.trace_id in failed, ID in failed] == [True, False, False]
    assert "EXPOSURE_LIMIT" in rejected
    assert [bad.trace_id in rejected, no.trace_id in rejected] == [False, True]


def test_where_none_is_stored_the_page_says_of_what(opened: Opened) -> None:
    assert "No stored decision of the last 6h took longer than 80ms." in text(
        opened(Stored([])), "/traces?over=80ms&since=6h"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("kind=odd", "kind must be one of slow, failed, rejected; got &#39;odd&#39;"),
        ("since=2h", "since must be one of 15m, 1h, 6h, 24h; got &#39;2h&#39;"),
        ("over=long", "over: &#39;long&#39; is not a length of time"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(opened: Opened, asked: str, said: str) -> None:
    assert said in text(opened(Stored([])), f"/traces?{asked}", status=400)


def test_a_trace_is_explained_and_drawn_with_all_that_its_spans_say(opened: Opened) -> None:
    shown = text(opened(Stored([WHOLE])), f"/traces/{ID}")
    assert "The decision took 303 ms, 300 ms of it in risk.read_state, which usually takes" in shown
    assert shown.count("<details") == len(WHOLE.spans)
    assert "on the bus (signals)" in shown
    assert 'class="critical waiting"' in shown
    assert "over p95" in shown
    assert "cdb.verdict" in shown
    assert "style=" not in shown.split("<main")[1]


def test_a_span_that_failed_says_so_in_words(opened: Opened) -> None:
    bad = trace(span("process orders", 0, 10, otel__status_code="ERROR", error__type="ServerAway"))
    shown = text(opened(Stored([bad])), f"/traces/{ID}")
    assert "<strong>failed: ServerAway</strong>" in shown


def test_a_trace_leads_to_its_decision_in_the_ledger(opened: Opened) -> None:
    made = trace(span("risk.decide", 0, 10, cdb__signal_id="BTCUSDT:momentum_v1:7"))
    assert 'href="/decisions/BTCUSDT:momentum_v1:7"' in text(opened(Stored([made])), f"/traces/{ID}")


def test_whatever_a_trace_or_a_log_says_is_text_on_the_page(opened: Opened, tmp_path: Path) -> None:
    said = {"cdb__symbol": HOSTILE, "cdb__signal_id": HOSTILE, "cdb__reason": HOSTILE, "error__type": HOSTILE}
    bad = span("risk.decide", 0, 99_999, service=HOSTILE, otel__status_code="ERROR", **said)
    named = replace(bad, name=HOSTILE, span_id=HOSTILE)
    hostile = trace(named, span("risk.decide", 0, 99_999, cdb__kept=HOSTILE, cdb__verdict=HOSTILE))
    client = opened(Stored([hostile]))
    line = json.dumps({"trace_id": ID, "event": HOSTILE, "service": HOSTILE, "level": HOSTILE, HOSTILE: HOSTILE})
    (tmp_path / "logs" / "cdb_ws.log").write_text(f"{line}\n{HOSTILE} {ID}\n")
    for path in (f"/traces/{ID}", "/traces", "/traces?kind=failed"):
        shown = text(client, path)
        assert HOSTILE not in shown
        assert "&lt;script&gt;" in shown


def test_log_lines_of_the_trace_stand_below_it(opened: Opened, tmp_path: Path) -> None:
    client = opened(Stored([WHOLE]))
    (tmp_path / "logs" / "cdb_risk.log").write_text(json.dumps({"trace_id": ID, "event": "decided so"}) + "\n")
    assert "decided so" in text(client, f"/traces/{ID}")


def test_without_files_the_page_says_where_the_logs_are(opened: Opened) -> None:
    assert f"docker compose logs cdb_core cdb_risk cdb_execution | grep {ID}" in text(
        opened(Stored([WHOLE]), logs=False), f"/traces/{ID}"
    )


def test_the_beginning_of_an_id_leads_to_the_only_trace_that_begins_so(opened: Opened) -> None:
    stored = Stored([WHOLE, Trace("98e1" + "0" * 28, WHOLE.spans)])
    client = opened(stored)
    reply = client.get("/traces/98E1CC")
    assert (reply.status_code, reply.location) == (302, f"/traces/{ID}")
    assert "2 traces begin with 98e1: " in text(client, "/traces/98e1", status=404)
    assert "begins with abcd" in text(client, "/traces/abcd", status=404)
    assert len(stored.asked) == 3, "the services and the traces of each, once for all beginnings"


@pytest.mark.parametrize("wanted", ["98e", "xyz123", ID + "0", "%3Cb%3E", "98e1%0A"])
def test_what_is_no_id_is_not_found_without_asking(opened: Opened, wanted: str) -> None:
    stored = Stored([WHOLE])
    assert "is not a trace id" in text(opened(stored), f"/traces/{wanted}", status=404)
    assert stored.asked == []


def test_a_trace_that_is_not_there_says_why_it_may_be_missing_and_shows_its_log_lines(
    opened: Opened, tmp_path: Path
) -> None:
    client = opened(Stored([]))
    (tmp_path / "logs" / "cdb_risk.log").write_text(json.dumps({"trace_id": ID, "event": "decided so"}) + "\n")
    shown = text(client, f"/traces/{ID}", status=404)
    for why in ("about 15 s", "sampled out", "older than a day", "decided so", 'href="/traces"'):
        assert why in shown


def test_with_jaeger_away_the_pages_stand_and_name_it(opened: Opened) -> None:
    client = opened(Stored(None))
    for path in ("/traces", "/traces?kind=failed", f"/traces/{ID}", "/traces/98e1"):
        assert f"Jaeger at {NOWHERE} does not answer" in text(client, path)


def test_while_jaeger_hangs_the_pages_stand_and_nothing_is_called_missing(opened: Opened) -> None:
    let_go = threading.Event()

    class Hanging(Stored):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            assert let_go.wait(30)
            return super().__call__(request)

    client = opened(Hanging([WHOLE]))
    try:
        for path in ("/traces", f"/traces/{ID}", f"/traces/{ID[:8]}"):
            shown = text(client, path)
            assert "Jaeger has not answered yet" in shown
            assert "not stored" not in shown
    finally:
        let_go.set()
    until(lambda: text(client, f"/traces/{ID}"), holds=lambda shown: "risk.read_state" in shown, what="the trace")


def test_a_trace_that_was_read_before_jaeger_went_away_stays(opened: Opened) -> None:
    stored = Stored([WHOLE])
    clock = SettableClock(NOW)
    client = opened(stored, clock=clock)
    text(client, f"/traces/{ID}")
    stored.traces = None
    clock.now += 60_000_000_000
    shown = text(client, f"/traces/{ID}")
    assert f"Jaeger at {NOWHERE} does not answer" in shown
    assert "What you see is 60.0 s old" in shown
    assert "risk.read_state" in shown


def test_with_prometheus_away_the_trace_is_drawn_and_the_rest_is_said(opened: Opened) -> None:
    shown = text(opened(Stored([WHOLE]), knows_usual=False), f"/traces/{ID}")
    assert "how long spans usually take is not known now" in shown
    assert shown.count("<details") == len(WHOLE.spans)
