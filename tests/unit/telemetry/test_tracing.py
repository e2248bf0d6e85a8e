"""A trace goes on across stream entries, whatever the entry's traceparent holds."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import StatusCode

from telemetry import tracing
from tests.support.spans import Spans, attributes, times_of

PROVIDER = TracerProvider(shutdown_on_exit=False)
TRACER = PROVIDER.get_tracer("test")
GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_span_goes_on_in_the_trace_that_a_traceparent_names() -> None:
    with TRACER.start_as_current_span("sender") as sender:
        traceparent = tracing.traceparent_of(sender.get_span_context())
    with TRACER.start_as_current_span("receiver", context=tracing.extract(traceparent)) as receiver:
        ids = tracing.current_ids()
        assert ids is not None
        assert ids[0] == trace.format_trace_id(sender.get_span_context().trace_id)
        assert receiver.get_span_context().span_id != sender.get_span_context().span_id


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "nonsense",
        "x" * 10_000,
        GOOD.replace("00-", "01-", 1) + "-" + "y" * 10_000,
        GOOD + "\n",
        GOOD.replace("-", "\x00-", 1),
        GOOD.upper(),
        GOOD.replace("00-", "ff-", 1),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        "\ud800",
        GOOD.encode(),
        17,
    ],
)
def test_traceparent_that_is_none_starts_a_trace_of_its_own(traceparent: Any) -> None:
    with TRACER.start_as_current_span("unrelated") as unrelated:
        token = attach(tracing.extract(traceparent))
        try:
            assert tracing.current_ids() is None
            with TRACER.start_as_current_span("receiver", context=tracing.extract(traceparent)) as receiver:
                context = receiver.get_span_context()
                assert context.is_valid
                assert context.trace_id not in (unrelated.get_span_context().trace_id, int(GOOD.split("-")[1], 16))
        finally:
            detach(token)


def test_without_a_span_there_is_no_trace_id_and_nothing_to_inject() -> None:
    assert tracing.current_ids() is None
    assert tracing.traceparent_of(trace.get_current_span().get_span_context()) == ""


def test_a_span_of_ours_is_recorded_as_the_sdks_would_be(spans: Spans) -> None:
    """Below the same parent, with what it was given at its start and later."""
    parent = tracing.tracer().start_span("parent")
    below = trace.set_span_in_context(parent)
    ours = tracing.start("decide", parent.get_span_context(), 5, {"symbol": "BTCUSDT"})
    theirs = tracing.tracer().start_span("decide", below, start_time=5, attributes={"symbol": "BTCUSDT"})
    for span in (ours, theirs):
        with trace.use_span(span, end_on_exit=False):
            assert trace.get_current_span().is_recording()
            trace.get_current_span().set_attribute("cdb.exemplar", True)
        span.set_attributes({"verdict": "approved", "equity": 1.5})
        span.end(9)
        span.end(99)
        assert not span.is_recording()
    one, other = ((*told(span), times_of(span)) for span in spans.named("decide"))
    assert one == other


def test_an_exception_makes_a_span_of_ours_a_failed_one(spans: Spans) -> None:
    with (
        pytest.raises(KeyError),
        trace.use_span(tracing.start("decide", None, 5, {}), end_on_exit=True),
    ):
        raise KeyError
    (span,) = spans.named("decide")
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span) == {"error.type": "KeyError"}
    assert span.parent is None


def told(span: ReadableSpan) -> tuple[Any, ...]:
    return span.parent, span.kind, span.status.status_code, span.instrumentation_scope, attributes(span)
