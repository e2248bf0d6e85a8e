"""What a trace shows of one order's execution: where its time went, and all that one would search for."""

from opentelemetry.trace import Span, SpanContext

from services.bus import messaging_spans
from services.ledger.statements import record_statement
from services.messages import Fill, Order
from services.runtime.consumer import Received
from telemetry import tracing


def start(item: Received, order: Order, *, began_ns: int) -> Span:
    """Start order.execute below the span of handling *item*; quantity is in the base asset."""
    return tracing.tracer().start_span(
        "order.execute",
        context=messaging_spans.below(item.span),
        start_time=began_ns,
        attributes={
            "cdb.symbol": order.symbol,
            "cdb.side": order.side,
            "cdb.order_id": order.order_id,
            "cdb.cause": order.cause,
            "cdb.quantity": float(order.quantity),
        },
    )


def describe(span: Span, fill: Fill | None) -> None:
    """Give order.execute the attributes of its fill, price and money in the quote asset; none: the order is refused."""
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


def record_steps(parent: SpanContext, *, read: tuple[int, int], written: tuple[int, int], batch: int) -> None:
    """Record the ledger's statements below *parent*, both from-to in ns; they are the same for all *batch* orders."""
    record_statement("execution.read_state", parent, *read, prepared="execution_read", batch_size=batch)
    record_statement("execution.write", parent, *written, prepared="execution_write", batch_size=batch)
