"""Traces: the tracer, and the context that travels with a stream entry as its `traceparent` field (W3C)."""

from __future__ import annotations

from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SCOPE: Final = "cdb"

_FIELD: Final = "traceparent"
_LONGEST: Final = 256
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def tracer() -> trace.Tracer:
    """Return the tracer of this process. Its spans have ids once start_telemetry has run."""
    return trace.get_tracer(SCOPE)


def root() -> Context:
    """Return a context without a span. It is not empty: an empty one counts as none in places."""
    return trace.set_span_in_context(trace.INVALID_SPAN, Context())


def inject(context: Context | None = None) -> str:
    """Return the traceparent of *context* (default: the current one); empty text if it has no span."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context)
    return carrier.get(_FIELD, "")


def extract(traceparent: str | None) -> Context:
    """Return the context that *traceparent* names, or a root context if it is missing or is none."""
    if not isinstance(traceparent, str) or len(traceparent) > _LONGEST or not traceparent.isprintable():
        return root()
    return _PROPAGATOR.extract({_FIELD: traceparent}, context=root())


def current_trace_id() -> str | None:
    """Return the current span's trace id as 32 hexadecimal digits, None if there is no span."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
