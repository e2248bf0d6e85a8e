"""Spans of the ledger's statements that serve a whole batch of messages: every message's trace gets its own.

An instrumentation's span hangs below one caller, while one statement here reads or writes for up to 500 messages of as
many traces. Names are those of OpenTelemetry's database conventions; arguments never appear.
"""

from opentelemetry.trace import SpanContext, SpanKind

from telemetry import tracing


def record_statement(
    name: str, parent: SpanContext, began_ns: int, ended_ns: int, *, prepared: str, batch_size: int
) -> None:
    """Record below *parent* as *name* that the prepared statement *prepared* ran for *batch_size* messages at once."""
    tracing.record(
        name,
        parent,
        began_ns,
        ended_ns,
        kind=SpanKind.CLIENT,
        attributes={
            "db.system.name": "postgresql",
            "db.operation.name": "EXECUTE",
            "db.query.summary": f"EXECUTE {prepared}",
            "cdb.batch_size": batch_size,
        },
    )
