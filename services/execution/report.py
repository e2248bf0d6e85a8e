"""What cdb_execution measures and logs."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import structlog
from opentelemetry.trace import Span, use_span

from services import topology
from services.execution.accounting import ZERO
from services.execution.results import Results
from services.execution.store import Account
from services.messages import Fill, Order
from services.runtime.report import percent
from telemetry import metrics
from telemetry.setup import admit_symbols

log = structlog.get_logger()


def orders_received(orders: Iterable[Order]) -> None:
    """Orders arrived that could be looked up in the ledger."""
    for order in orders:
        metrics.orders_received.labels(symbol=order.symbol).inc()


def order_finished(fill: Fill | None, span: Span, took_s: float) -> None:
    """The ledger has an order's final state; *span* has not ended, or its exemplar would be lost."""
    with use_span(span, end_on_exit=False):
        metrics.order_execution_duration_seconds.labels(exchange="paper").observe(took_s)
        metrics.event_processing_duration_seconds.labels(service=topology.EXECUTION.name, event_type="order").observe(
            took_s
        )
        if fill is not None:
            metrics.record_trade(fill.symbol, fill.side, pnl=fill.realised_pnl, slippage=max(ZERO, fill.slippage_bps))
            log.info("filled", **_line(fill))


def fill_sent_again() -> None:
    """A filled order came again and gets the fill it has."""
    metrics.messages_recovered.labels(stream=topology.FILLS).inc()


def order_refused(order: Order, reason: object) -> None:
    """The venue takes no such order."""
    log.warning("order refused", order=order.order_id, reason=str(reason))


def account(now: Account) -> None:
    """Show positions and the realised result."""
    held: dict[str, Decimal] = {}
    for key, position in now.positions.items():
        if position.holding.quantity:
            held[key.symbol] = held.get(key.symbol, Decimal(0)) + position.holding.quantity
    admit_symbols(held)
    metrics.update_pnl(now.realised_pnl)
    metrics.update_positions(held)


def results(now: Results) -> None:
    """Show what was earned since the account was opened, and count what is new."""
    admit_symbols(now.by_symbol)
    for symbol, result in now.by_symbol.items():
        metrics.symbol_pnl_usd.labels(symbol=symbol).set(result)
    for strategy, result in now.by_strategy.items():
        metrics.strategy_pnl_usd.labels(strategy=strategy).set(result)
    for strategy, figures in now.trades.items():
        metrics.strategy_win_rate_pct.labels(strategy=strategy).show(percent(figures.win_rate))
        metrics.strategy_recent_win_rate_pct.labels(strategy=strategy).show(percent(figures.recent_win_rate))
        metrics.strategy_profit_factor.labels(strategy=strategy).show(figures.profit_factor)
    for trade in now.new_trades:
        metrics.position_duration_seconds.labels(strategy=trade.strategy).observe(trade.duration_s)
    if now.new_fees:
        metrics.fees_paid_usd.inc(now.new_fees)


def error(error_type: str) -> None:
    """A message could not be handled."""
    metrics.execution_errors.labels(error_type=error_type).inc()


def _line(fill: Fill) -> dict[str, Any]:
    return {
        "order": fill.order_id,
        "side": fill.side,
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "realised_pnl": None if fill.realised_pnl is None else str(fill.realised_pnl),
    }
