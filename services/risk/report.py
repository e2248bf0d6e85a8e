"""What cdb_risk measures, where its parts say that it happened."""

from collections.abc import Callable
from typing import Final

from services.messages import Signal
from services.risk.portfolio import Portfolio
from services.risk.rules import Limits, Rejected, Verdict
from telemetry import metrics

LAYERS: Final = 6
_PERCENT: Final = 100


def decision(signal: Signal, verdict: Verdict, took_s: float) -> None:
    """Record a decision that is in the ledger: its verdict, what each layer said and how long it took (seconds)."""
    rejected = verdict if isinstance(verdict, Rejected) else None
    metrics.record_risk_decision(
        symbol=signal.symbol,
        approved=rejected is None,
        reason_code=rejected.reason.value if rejected else None,
        size=None if isinstance(verdict, Rejected) else verdict.quantity,
    )
    failed = rejected.layer if rejected else None
    asked = 1 if signal.side == "SELL" else failed or LAYERS
    for layer in range(1, asked + 1):
        metrics.risk_layer_checks.labels(layer=str(layer), result="failed" if layer == failed else "passed").inc()
    if rejected and rejected.layer is not None:
        metrics.record_violation(rejected.reason.value, layer=rejected.layer)
    metrics.risk_decision_duration_seconds.observe(took_s)
    processed("signal", took_s)


def processed(event_type: str, took_s: float) -> None:
    """Record how long a message took, in seconds."""
    metrics.event_processing_duration_seconds.labels(service="cdb_risk", event_type=event_type).observe(took_s)


def state_updated(took_s: float) -> None:
    """Record how long it took to take in a change of the portfolio, in seconds."""
    metrics.risk_state_update_duration_seconds.observe(took_s)


def stop_loss(symbol: str) -> None:
    """Record a position closed by its stop loss."""
    metrics.stop_loss_triggered.labels(symbol=symbol).inc()


def portfolio(now: Portfolio) -> None:
    """Record drawdown, exposure and the breaker, in percent of equity, at the newest prices."""
    equity = now.equity()
    metrics.update_drawdown(_PERCENT * now.drawdown())
    metrics.set_circuit_breaker(now.breaker_active)
    if equity > 0:
        held = {symbol: _PERCENT * now.position_value(symbol) / equity for symbol in now.book.positions}
        metrics.update_exposure(sum(held.values()), held)


def limits(now: Limits) -> None:
    """Record the limits in force. Call it before telemetry starts, which shows 0 for what has no value yet."""
    metrics.risk_limit_pct.labels(limit="daily_drawdown").set(_PERCENT * now.max_daily_drawdown)
    metrics.risk_limit_pct.labels(limit="position").set(_PERCENT * now.max_position)
    metrics.risk_limit_pct.labels(limit="exposure").set(_PERCENT * now.max_exposure)


def watch_staleness(age_s: Callable[[], float], source: str) -> None:
    """Have the age of the newest price computed whenever it is collected, so that it grows while nothing happens."""
    metrics.data_staleness_seconds.labels(source=source).set_function(age_s)
