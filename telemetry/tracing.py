"""Traces: live spans around code that records metrics, finished spans for the rest, and the `traceparent` field.

A live span of the SDK costs about 15 us where it starts and ends. Most of our spans are recorded after they have ended,
when nobody waits: such a span is planned (it gets its ids), its times are noted, and it is recorded in one piece; one
that must be current meanwhile is started here, too. For exporters it is a span like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time_ns
from typing import Any, Final, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SCOPE: Final = "cdb"
ERROR_TYPE: Final = "error.type"

Attributes = Mapping[str, str | bool | int | float]

_FIELD: Final = "traceparent"
_LONGEST: Final = 256
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_SCOPE: Final = InstrumentationScope(SCOPE, "")  # as tracers have it, so that exports name it once
_IDS: Final = RandomIdGenerator()
_UNSET: Final = Status(StatusCode.UNSET)
_NONE: Final[Attributes] = {}
_ROOT: Final = trace.set_span_in_context(trace.INVALID_SPAN, Context())


class SpanProvider(TracerProvider):
    """A TracerProvider that also accepts finished spans. With *on* False it samples nothing.

    With *stock*, spans that begin before they end are the SDK's.
    """

    def __init__(self, resource: Resource | None = None, *, on: bool = True, stock: bool = False) -> None:
        super().__init__(DEFAULT_ON if on else ALWAYS_OFF, resource, shutdown_on_exit=False)
        self.stock: Final = stock
        self.flags: Final = TraceFlags(TraceFlags.SAMPLED if on else TraceFlags.DEFAULT)
        self._processors: tuple[SpanProcessor, ...] = ()

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Pass every span that ends to *span_processor*, too."""
        super().add_span_processor(span_processor)
        self._processors = (*self._processors, span_processor)

    def plan(self, parent: SpanContext | None = None) -> Planned:
        """Plan a child of *parent*; a new trace if *parent* is None or invalid."""
        if parent is None or not parent.is_valid:
            return Planned(SpanContext(_IDS.generate_trace_id(), _IDS.generate_span_id(), False, self.flags))
        flags = TraceFlags(parent.trace_flags & self.flags)
        return Planned(SpanContext(parent.trace_id, _IDS.generate_span_id(), False, flags), parent)

    def take(self, span: ReadableSpan) -> None:
        """Pass a finished span to the processors."""
        for processor in self._processors:
            processor.on_end(span)


class Planned(NamedTuple):
    """A span that has its ids already, so that it can have children, and is recorded when it has ended."""

    context: SpanContext
    parent: SpanContext | None = None

    def record(
        self,
        name: str,
        start_ns: int,
        end_ns: int,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = _NONE,
        error: str = "",
    ) -> None:
        """Hand the finished span to the exporter. *error*, a short word, marks it as failed."""
        provider = trace.get_tracer_provider()
        if self.context.trace_flags.sampled and isinstance(provider, SpanProvider):
            resource = provider.resource
            provider.take(
                self.finished(name, start_ns, end_ns, resource=resource, kind=kind, attributes=attributes, error=error)
            )

    def finished(
        self,
        name: str,
        start_ns: int,
        end_ns: int,
        *,
        resource: Resource,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = _NONE,
        error: str = "",
    ) -> ReadableSpan:
        """Build the span as exporters read it."""
        return ReadableSpan(
            name,
            self.context,
            self.parent,
            resource,
            {**attributes, ERROR_TYPE: error} if error else attributes,
            kind=kind,
            instrumentation_scope=_SCOPE,
            status=Status(StatusCode.ERROR, error) if error else _UNSET,
            start_time=start_ns,
            end_time=end_ns,
        )


def plan(parent: SpanContext | None = None) -> Planned | None:
    """Plan a child of *parent*; a new trace if *parent* is None or invalid. None before telemetry runs."""
    provider = trace.get_tracer_provider()
    return provider.plan(parent) if isinstance(provider, SpanProvider) else None


def record(
    name: str,
    parent: SpanContext,
    start_ns: int,
    end_ns: int,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes = _NONE,
) -> None:
    """Record a finished child of *parent*; nothing if *parent* is not sampled."""
    if parent.trace_flags.sampled and (span := plan(parent)):
        span.record(name, start_ns, end_ns, kind=kind, attributes=attributes)


def start(name: str, parent: SpanContext | None, start_ns: int, attributes: Attributes) -> Span:
    """Start a span that must be ended, below *parent*; it begins a trace if *parent* is None or invalid."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, SpanProvider):
        return trace.INVALID_SPAN
    if provider.stock:
        above = trace.set_span_in_context(trace.NonRecordingSpan(parent), Context()) if parent else root()
        return tracer().start_span(name, above, attributes=attributes, start_time=start_ns)
    return _Open(provider.plan(parent), name, start_ns, attributes)


class _Open(Span):
    """A span that has begun. What it is given is recorded in one piece when it ends; it has no events."""

    __slots__ = ("_attributes", "_context", "_error", "_name", "_planned", "_start_ns")

    def __init__(self, planned: Planned, name: str, start_ns: int, attributes: Attributes) -> None:
        self._planned: Planned | None = planned
        self._context = planned.context
        self._name = name
        self._start_ns = start_ns
        self._attributes = {**attributes}
        self._error = ""

    def get_span_context(self) -> SpanContext:
        return self._context

    def is_recording(self) -> bool:
        return self._planned is not None and self._context.trace_flags.sampled

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._attributes.update(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        self._attributes[key] = value

    def update_name(self, name: str) -> None:
        self._name = name

    def record_exception(self, exception: BaseException, *_given: Any, **_more: Any) -> None:
        self._error = type(exception).__name__

    def set_status(self, *_given: Any, **_more: Any) -> None:
        """An exception alone makes it a failure."""

    def add_event(self, *_given: Any, **_more: Any) -> None:
        """It has none."""

    def end(self, end_time: int | None = None) -> None:
        planned, self._planned = self._planned, None
        if planned is not None:
            end_ns = time_ns() if end_time is None else end_time
            planned.record(self._name, self._start_ns, end_ns, attributes=self._attributes, error=self._error)


def tracer() -> trace.Tracer:
    """Tracer of this process. Its spans have ids once start_telemetry has run."""
    return trace.get_tracer(SCOPE)


def root() -> Context:
    """Context without a span. It is not empty, because OpenTelemetry takes an empty context for none in places."""
    return _ROOT


def traceparent_of(span: SpanContext) -> str:
    """Write *span* as a traceparent; empty if it is invalid."""
    if not span.is_valid:
        return ""
    return f"00-{trace.format_trace_id(span.trace_id)}-{trace.format_span_id(span.span_id)}-{span.trace_flags:02x}"


def extract(traceparent: str | None) -> Context:
    """Context of a traceparent; a root context if it is missing or malformed."""
    if not isinstance(traceparent, str) or len(traceparent) > _LONGEST or not traceparent.isprintable():
        return root()
    return _PROPAGATOR.extract({_FIELD: traceparent}, context=root())


def extract_span(traceparent: str | None) -> SpanContext:
    """Span of a traceparent; an invalid one if it is missing or malformed."""
    return trace.get_current_span(extract(traceparent)).get_span_context()


def current_ids() -> tuple[str, str] | None:
    """Trace id and span id (32 and 16 hexadecimal digits) of the current span; None without a span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
