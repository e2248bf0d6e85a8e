"""Spans leave through a bounded queue, and what is lost is counted. Planned spans are like any other once recorded."""

from collections import Counter
from collections.abc import Sequence
from threading import Event

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from telemetry.pipeline import TelemetrySettings
from telemetry.spans import BoundedSpans
from telemetry.tracing import SpanProvider, extract_span, traceparent_of
from tests.support.spans import attributes, context_of
from tests.support.waiting import until
from tests.unit.telemetry.isolated import Isolated

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Gate(SpanExporter):
    """Keeps what it is given, but holds the first batch until opened."""

    def __init__(self, result: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.open = Event()
        self.reached = Event()
        self.spans: list[ReadableSpan] = []
        self._result = result

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.reached.set()
        assert self.open.wait(30)
        self.spans += spans
        return self._result

    def shutdown(self) -> None:
        pass


def bounded(gate: Gate, queue_size: int) -> tuple[SpanProvider, Counter[str]]:
    lost: Counter[str] = Counter()
    provider = SpanProvider()
    provider.add_span_processor(
        BoundedSpans(gate, queue_size=queue_size, lost=lambda reason, n: lost.update({reason: n}))
    )
    return provider, lost


def test_spans_that_find_the_queue_full_are_left_out_and_counted() -> None:
    """A collector that hangs costs spans, never memory without bound, and not in silence."""
    gate = Gate()
    provider, lost = bounded(gate, queue_size=10)
    tracer = provider.get_tracer("test")
    tracer.start_span("first").end()
    assert gate.reached.wait(30), "the first span is handed over, and its batch does not come back"
    for _ in range(14):
        tracer.start_span("second").end()
    assert lost == {"queue_full": 4}
    gate.open.set()
    provider.shutdown()
    assert [span.name for span in gate.spans].count("second") == 10
    assert lost == {"queue_full": 4}


def test_spans_of_a_batch_that_does_not_arrive_are_counted() -> None:
    gate = Gate(SpanExportResult.FAILURE)
    gate.open.set()
    provider, lost = bounded(gate, queue_size=10)
    for _ in range(3):
        provider.get_tracer("test").start_span("x").end()
    provider.shutdown()
    assert lost == {"export_failed": 3}


def test_a_loss_is_counted_in_the_contracts_metric() -> None:
    """Nobody listens there: each batch fails."""
    box = Isolated(settings=TelemetrySettings(otlp_endpoint="http://127.0.0.1:1", span_export_timeout_seconds=0.1))
    try:
        box.telemetry.tracer_provider.get_tracer("test").start_span("x").end()
        until(
            box.page,
            holds=lambda page: 'cdb_telemetry_spans_lost_total{reason="export_failed"} 1.0' in page,
            what="one span counted as lost",
        )
    finally:
        box.telemetry.shutdown()


def test_a_planned_span_is_recorded_as_the_tracers_own_would_be() -> None:
    """Same trace, same resource, same scope; exporters cannot tell them apart."""
    gate = Gate()
    gate.open.set()
    provider, _ = bounded(gate, queue_size=10)
    parent = extract_span(GOOD)
    planned = provider.plan(parent)
    started = provider.get_tracer("cdb").start_span("started", context=set_span_in_context(NonRecordingSpan(parent)))
    started.end()
    provider.take(planned.finished("planned", 5, 7, resource=provider.resource, attributes={"a": 1}))
    provider.shutdown()
    own, ours = gate.spans
    assert (ours.name, ours.start_time, ours.end_time, attributes(ours)) == ("planned", 5, 7, {"a": 1})
    assert (ours.resource, ours.parent, ours.kind) == (own.resource, own.parent, own.kind)
    assert (context_of(ours).trace_id, context_of(ours).trace_flags) == (
        context_of(own).trace_id,
        context_of(own).trace_flags,
    )
    assert own.instrumentation_scope is not None
    assert ours.instrumentation_scope is not None
    assert ours.instrumentation_scope.name == own.instrumentation_scope.name
    assert ours.status.status_code is own.status.status_code


def test_a_planned_span_without_a_valid_parent_begins_a_trace() -> None:
    provider = SpanProvider()
    first, second = provider.plan(), provider.plan(SpanContext(0, 0, is_remote=True))
    assert first.parent is second.parent is None
    assert first.context.is_valid
    assert first.context.trace_id != second.context.trace_id


def test_switched_off_there_are_trace_ids_for_logs_and_no_spans() -> None:
    provider = SpanProvider(on=False)
    gate = Gate()
    provider.add_span_processor(BoundedSpans(gate, queue_size=10, lost=lambda *_: None))
    span = provider.get_tracer("test").start_span("x")
    assert span.get_span_context().is_valid
    assert not span.is_recording()
    planned = provider.plan(extract_span(GOOD))
    assert traceparent_of(planned.context).endswith("-00")
    assert planned.context.trace_flags == TraceFlags(0)
    provider.shutdown()
    assert not gate.spans
