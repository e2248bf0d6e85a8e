"""What cdb_risk measures and logs, called where its parts say that it happened."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

import structlog
from opentelemetry.trace import Span, use_span

from services import topology
from services.actions import Action
from services.messages import Order, Signal
from services.performance.equity import EquityCurve
from services.risk.limits import Limits
from services.risk.portfolio import Portfolio
from services.risk.rules import Reason, Rejected, Verdict
from services.runtime.report import percent
from services.runtime.timeline import Timeline
from telemetry import metrics
from telemetry.setup import admit_symbols

_PERCENT: Final = 100

log = structlog.get_logger()


def decision(signal: Signal, verdict: Verdict, span: Span, took_s: float, *, since_trade_s: float) -> None:
    """A decision is in the ledger; *span* has not ended, or its exemplar would be lost.

    *since_trade_s* is the time from its trade to the commit; 0 in a replay, where time stands still meanwhile.
    """
    rejected = verdict if isinstance(verdict, Rejected) else None
    with use_span(span, end_on_exit=False):
        metrics.record_risk_decision(
            symbol=signal.symbol,
            approved=rejected is None,
            reason_code=rejected.reason.value if rejected else None,
            size=None if isinstance(verdict, Rejected) else verdict.quantity,
        )
        for check in verdict.checks:
            result = "passed" if check.passed else "failed"
            metrics.risk_layer_checks.labels(layer=str(check.layer), result=result).inc()
        if rejected and rejected.layer is not None:
            metrics.record_violation(rejected.reason.value, layer=rejected.layer)
        metrics.risk_decision_duration_seconds.observe(took_s)
        if rejected is None and since_trade_s > 0:
            metrics.trade_to_order_duration_seconds.observe(since_trade_s)
        _processed("signal", took_s)
        _log_decision(signal, verdict)


def breaker_reset() -> None:
    """The breaker that had tripped is inactive again."""
    log.info("breaker reset")


def fills_noted(count: int, timeline: Timeline) -> None:
    """*count* fills were checked against the ledger; each has waited for all that came with it."""
    took_s = timeline.seconds()
    for _ in range(count):
        _processed("fill", took_s)


def price_applied(took_s: float) -> None:
    """A price is taken in, with all that it set off."""
    _processed("market_data", took_s)


def book_read(timeline: Timeline) -> None:
    """The book was read from the ledger."""
    metrics.risk_state_update_duration_seconds.observe(timeline.seconds())


def stop_loss(order: Order) -> None:
    """A position is being closed by its stop loss."""
    metrics.stop_loss_triggered.labels(symbol=order.symbol).inc()
    price, quantity = str(order.reference_price), str(order.quantity)
    log.info("stop loss", symbol=order.symbol, order=order.order_id, price=price, quantity=quantity)


def acted(action: Action) -> None:
    """An operator's action is in the ledger, and its effect there."""
    log.warning(
        "operator acted",
        what=action.what,
        subject=action.subject,
        who=action.who,
        via=action.via,
        why=action.why,
        action=action.action_id,
    )


def order_sent_again(order: Order) -> None:
    """An order without a final state is sent once more."""
    metrics.messages_recovered.labels(stream=topology.ORDERS).inc()
    log.warning("order sent again", order=order.order_id)


def portfolio(now: Portfolio) -> None:
    """Show drawdown, exposure and the breaker, in percent of equity, at the newest prices."""
    equity = now.equity()
    metrics.equity_usd.set(equity)
    metrics.update_drawdown(_PERCENT * now.drawdown())
    metrics.set_circuit_breaker(now.breaker_active)
    if equity > 0:
        held = {symbol: _PERCENT * now.position_value(symbol) / equity for symbol in now.book.symbols()}
        metrics.update_exposure(sum(held.values()), held)


def history(curve: EquityCurve) -> None:
    """Show what equity has risked since the account was opened."""
    metrics.max_drawdown_pct.show(percent(curve.max_drawdown))
    metrics.sharpe_ratio_30d.show(curve.sharpe_ratio)
    metrics.value_at_risk_pct.show(percent(curve.value_at_risk))
    metrics.expected_shortfall_pct.show(percent(curve.expected_shortfall))


def limits(now: Limits) -> None:
    """Record the limits in force. Call it before telemetry starts, which shows 0 for what has no value yet."""
    metrics.risk_limit_pct.labels(limit="daily_drawdown").set(_PERCENT * now.max_daily_drawdown)
    metrics.risk_limit_pct.labels(limit="position").set(_PERCENT * now.max_position)
    metrics.risk_limit_pct.labels(limit="exposure").set(_PERCENT * now.max_exposure)


def watch_staleness(age_s: Callable[[], float], source: str) -> None:
    """Have the age of the newest price computed whenever it is collected, so that it grows while nothing happens."""
    metrics.data_staleness_seconds.labels(source=source).set_function(age_s)


def watch_held_prices(is_stale: Callable[[str], bool], symbols: Collection[str]) -> None:
    """Have it computed at each collection whether a position in one of *symbols* lacks a price."""
    for symbol in symbols:
        metrics.position_price_stale.labels(symbol=symbol).set_function(partial(is_stale, symbol))


def held_untraded(symbols: Collection[str], is_stale: Callable[[str], bool]) -> None:
    """Symbols are held, though CDB_SYMBOLS no longer has them."""
    admit_symbols(symbols)
    watch_held_prices(is_stale, symbols)
    log.warning("held, though not in CDB_SYMBOLS: sold at stop loss or signal, not bought", symbols=sorted(symbols))


def order_withdrawn(order: Order, problem: object) -> None:
    """An order that no venue could read has got its final state."""
    log.error("order withdrawn", order=order.order_id, reason=str(problem))


def _processed(event_type: str, took_s: float) -> None:
    metrics.event_processing_duration_seconds.labels(service=topology.RISK.name, event_type=event_type).observe(took_s)


def _log_decision(signal: Signal, verdict: Verdict) -> None:
    """A sale of nothing is no news: such lines would hide those of the limits."""
    if isinstance(verdict, Rejected) and verdict.reason is Reason.NO_POSITION:
        log.debug("nothing to sell", signal=signal.signal_id)
        return
    log.info("decided", **_line(signal, verdict))
    if isinstance(verdict, Rejected) and verdict.reason is Reason.DRAWDOWN_LIMIT:
        log.warning("breaker tripped", cause="decision", signal=signal.signal_id)


def _line(signal: Signal, verdict: Verdict) -> dict[str, Any]:
    line: dict[str, Any] = {"signal": signal.signal_id, "side": signal.side}
    if isinstance(verdict, Rejected):
        return {**line, "verdict": "rejected", "layer": verdict.layer, "reason": verdict.reason.value}
    return {**line, "verdict": "approved", "quantity": str(verdict.quantity), "price": str(verdict.price)}
