"""Which requests make a span."""

import pytest
from opentelemetry.trace import SpanKind

from services.runtime.health import Health
from services.runtime.instrumentation import trace_requests
from services.runtime.loop_state import LoopState
from services.runtime.web import Count, add_test_endpoint, create_app
from tests.support.spans import Spans, attributes


def asked(method: str, path: str) -> None:
    app = create_app("cdb_risk", Health(LoopState(), {}, lambda _healthy: None))
    trace_requests(app)
    add_test_endpoint(app, "/test/it", Count, lambda _asked: {"done": True})
    app.test_client().open(path, method=method, data={"count": "1"} if method == "POST" else None)


@pytest.mark.parametrize("path", ["/health", "/metrics", "/health?verbose=1"])
def test_what_is_asked_every_few_seconds_makes_no_span(spans: Spans, path: str) -> None:
    asked("GET", path)
    assert spans.names() == []


def test_a_request_that_changes_something_makes_a_span(spans: Spans) -> None:
    asked("POST", "/test/it?delay_ms=300")
    (span,) = spans.all()
    assert (span.name, span.kind) == ("POST /test/it", SpanKind.SERVER)
    assert attributes(span)["http.response.status_code"] == 200
