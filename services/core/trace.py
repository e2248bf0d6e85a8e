"""The span that begins a signal's trace."""

from opentelemetry.trace import Span

from services.messages import Signal
from telemetry import tracing


def start_signal(signal: Signal, *, began_ns: int) -> Span:
    """Start signal.generate; whoever starts it ends it once the signal is on the bus."""
    return tracing.tracer().start_span(
        "signal.generate",
        context=tracing.root(),
        start_time=began_ns,
        attributes={"cdb.symbol": signal.symbol, "cdb.side": signal.side, "cdb.signal_id": signal.signal_id},
    )
