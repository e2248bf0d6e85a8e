"""The messaging spans of a trace: `send {stream}` for each message sent, `process {stream}` for each one handled.

A message carries the context of its send span, which is the parent of its process span: one trace from the signal to
the fill. Prices have none, or every tick would cost a span, and dead letters are no hop of their own.
Names are those of OpenTelemetry's messaging conventions.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, use_span

from services.topology import FILLS, ORDERS, SIGNALS
from telemetry import tracing
from telemetry.tracing import Planned

TRACED: Final = frozenset({SIGNALS, ORDERS, FILLS})


def plan_sending(stream: str, cause: SpanContext | None) -> Planned | None:
    """Plan the span of sending a message on *stream* because of *cause*; without a cause it begins a trace."""
    return tracing.plan(cause) if stream in TRACED else None


def plan_processing(stream: str, traceparent: str | None) -> Planned | None:
    """Plan the span of handling a message of *stream*; it begins a trace if *traceparent* is missing or is none."""
    return tracing.plan(tracing.extract_span(traceparent) if traceparent else None) if stream in TRACED else None


def current(span: Planned | None) -> AbstractContextManager[Any]:
    """Have the log lines of a block belong to *span*."""
    return use_span(NonRecordingSpan(span.context)) if span else nullcontext()


def sent(span: Planned, stream: str, entry_id: str, *, began_ns: int, ended_ns: int, error: str = "") -> None:
    """Record that a message was put on *stream*, or (*error*) that it could not be."""
    attributes = _attributes("send", stream, entry_id)
    span.record(f"send {stream}", began_ns, ended_ns, kind=SpanKind.PRODUCER, attributes=attributes, error=error)


def processed(
    span: Planned, stream: str, entry_id: str, *, group: str, began_ns: int, ended_ns: int, error: str = ""
) -> None:
    """Record that *group* has handled a message, or (*error*) that it has failed to."""
    attributes = _attributes("process", stream, entry_id) | {"messaging.consumer.group.name": group}
    span.record(f"process {stream}", began_ns, ended_ns, kind=SpanKind.CONSUMER, attributes=attributes, error=error)


def _attributes(operation: str, stream: str, entry_id: str) -> dict[str, str]:
    found = {
        "messaging.system": "redis",
        "messaging.destination.name": stream,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
    return {**found, "messaging.message.id": entry_id} if entry_id else found
