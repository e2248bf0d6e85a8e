"""The span that begins a signal's trace."""

from opentelemetry.trace import Span

from services.messages import Signal
from telemetry import tracing


def start_signal(signal: Signal, *, began_ns: int) -> Span:
    """Start signal.generate; whoever starts it ends it once the signal is on the bus."""
    attributes = {"cdb.symbol": signal.symbol, "cdb.side": signal.side, "cdb.signal_id": signal.signal_id}
    return tracing.start("signal.generate", None, began_ns, attributes)
