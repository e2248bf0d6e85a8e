"""What a trace shows of one order's execution: where its time went, and all that one would search for."""

from opentelemetry.trace import Span

from services.ledger.statement_spans import record_statement
from services.messages import Fill, Order
from services.runtime.handling import Received
from services.runtime.timeline import Timeline
from telemetry import tracing


def start_order(item: Received, order: Order, strategy: str, timeline: Timeline) -> Span:
    """Start order.execute of *strategy* below the span of handling *item*; quantity is in the base asset."""
    return tracing.start(
        "order.execute",
        item.span.context if item.span else None,
        timeline.began,
        {
            "cdb.symbol": order.symbol,
            "cdb.strategy": strategy,
            "cdb.side": order.side,
            "cdb.order_id": order.order_id,
            "cdb.cause": order.cause,
            "cdb.quantity": float(order.quantity),
        },
    )


def end_order(span: Span, fill: Fill | None, timeline: Timeline, *, batch: int) -> None:
    """End order.execute with its fill, and record the ledger's statements, which are the same for all *batch* orders.

    There is no read if the account was known.
    """
    _describe(span, fill)
    span.end(timeline["committed"])
    parent = span.get_span_context()
    if "read" in timeline:
        began, read = timeline.began, timeline["read"]
        record_statement("execution.read_state", parent, began, read, prepared="execution_read", batch_size=batch)
    writing, committed = timeline["writing"], timeline["committed"]
    record_statement("execution.write", parent, writing, committed, prepared="execution_write", batch_size=batch)


def _describe(span: Span, fill: Fill | None) -> None:
    """Price and money are in the quote asset; without a fill the order is refused."""
    if fill is None:
        span.set_attribute("cdb.outcome", "refused")
        return
    span.set_attributes(
        {
            "cdb.outcome": "filled",
            "cdb.fill_id": fill.fill_id,
            "cdb.price": float(fill.price),
            "cdb.fee": float(fill.fee),
            "cdb.slippage_bps": float(fill.slippage_bps),
        }
    )
    if fill.realised_pnl is not None:
        span.set_attribute("cdb.realised_pnl", float(fill.realised_pnl))
