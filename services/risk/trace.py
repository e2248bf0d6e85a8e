"""What a trace shows of one decision: where its time went, and all that one would search for."""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span, SpanContext

from services.actions import Action
from services.ledger.statement_spans import record_statement
from services.messages import Order, Signal, order_id_of_signal
from services.risk.rules import Check, Rejected, Verdict
from services.runtime.handling import Received
from services.runtime.timeline import Timeline
from telemetry import tracing
from telemetry.tracing import Attributes

LEAST_WAIT_NS: Final = 1_000_000
"""A shorter wait for the others of a batch explains nothing."""
DETAILED_BATCH: Final = 20
"""In a larger one time goes into waiting for the others, and six spans a signal would be most of what it costs."""


def start_decision(item: Received, signal: Signal, timeline: Timeline) -> Span:
    """Start risk.decide below the span of handling *item*."""
    return tracing.start(
        "risk.decide",
        item.span.context if item.span else None,
        timeline.began,
        {
            "cdb.symbol": signal.symbol,
            "cdb.strategy": signal.strategy,
            "cdb.side": signal.side,
            "cdb.signal_id": signal.signal_id,
        },
    )


def end_decision(
    span: Span, signal: Signal, verdict: Verdict, row: Mapping[str, Any], timeline: Timeline, *, batch: int
) -> None:
    """End risk.decide with what was decided, and record its steps; *row* is the decision's in the ledger."""
    _describe(span, signal, verdict, row)
    span.end(timeline["committed"])
    _record_steps(span.get_span_context(), verdict.checks, timeline, batch)


def describe_stop_loss(span: Span, order: Order) -> None:
    """Give risk.stop_loss the attributes of its order."""
    span.set_attributes({"cdb.symbol": order.symbol, "cdb.side": order.side, "cdb.order_id": order.order_id})


def describe_flatten(span: Span, action: Action, orders: int) -> None:
    """Give operator.flatten what was asked for, and how many *orders* it has led to."""
    span.set_attributes({"cdb.action_id": action.action_id, "cdb.subject": action.subject, "cdb.orders": orders})


def _describe(span: Span, signal: Signal, verdict: Verdict, row: Mapping[str, Any]) -> None:
    """Equity and exposures are in the quote asset, as in *row*."""
    attributes: dict[str, str | int | float] = {
        f"cdb.{column}": float(row[column]) for column in ("equity", "exposure_before", "exposure_after")
    }
    if isinstance(verdict, Rejected):
        attributes |= {"cdb.verdict": "rejected", "cdb.reason": verdict.reason.value}
        if verdict.layer is not None:
            attributes["cdb.layer"] = verdict.layer
    else:
        attributes |= {"cdb.verdict": "approved", "cdb.order_id": order_id_of_signal(signal.signal_id)}
    span.set_attributes(attributes)


def _record_steps(parent: SpanContext, checks: tuple[Check, ...], timeline: Timeline, batch: int) -> None:
    """Record what a decision's time went into, below *parent*.

    Reading, if the book was not known, and writing are the same for all *batch* decisions, and each waits for the
    layers of the others. In a batch of more than DETAILED_BATCH only the layer that objected is shown.
    """
    if not parent.trace_flags.sampled:
        return
    known, writing, committed = timeline.began, timeline["writing"], timeline["committed"]
    if "read" in timeline:
        known = timeline["read"]
        record_statement("risk.read_state", parent, timeline.began, known, prepared="risk_book", batch_size=batch)
    _record_wait(parent, known, checks[0].asked, batch)
    for check in checks:
        if batch <= DETAILED_BATCH or not check.passed:
            result = "passed" if check.passed else "failed"
            attributes: Attributes = {"cdb.layer": check.layer, "cdb.result": result}
            tracing.record("risk.layer", parent, check.asked, check.answered, attributes=attributes)
    _record_wait(parent, checks[-1].answered, writing, batch)
    record_statement("risk.write", parent, writing, committed, prepared="risk_write", batch_size=batch)


def _record_wait(parent: SpanContext, began_ns: int, ended_ns: int, batch: int) -> None:
    if batch > 1 and ended_ns - began_ns >= LEAST_WAIT_NS:
        tracing.record("risk.wait_for_batch", parent, began_ns, ended_ns, attributes={"cdb.batch_size": batch})
