"""How a verdict becomes rows of the ledger and an order on the bus."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.clock import to_datetime
from services.messages import Cause, Order, Signal, order_id_of_signal
from services.risk.limits import Limits
from services.risk.portfolio import Mark, Portfolio, Position
from services.risk.rules import Approved, Reason, Verdict


@dataclass(frozen=True)
class Rows:
    """What a batch of decisions adds to the ledger: rows by column name, as the tables have them."""

    signals: list[Mapping[str, Any]] = field(default_factory=list)
    decisions: list[Mapping[str, Any]] = field(default_factory=list)
    orders: list[Mapping[str, Any]] = field(default_factory=list)
    breaker: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, other: "Rows") -> None:
        """Add those of *other*."""
        self.signals.extend(other.signals)
        self.decisions.extend(other.decisions)
        self.orders.extend(other.orders)
        self.breaker.extend(other.breaker)


def add_decision(
    rows: Rows, signal: Signal, verdict: Verdict, portfolio: Portfolio, limits: Limits, *, now_ns: int
) -> Order | None:
    """Add to *rows* the signal, its decision and what that leads to: an order, or a trip of the breaker.

    Both change *portfolio*, after the decision has been written down with what it was before.
    """
    rows.decisions.append(_decision_row(signal, verdict, portfolio, limits, now_ns=now_ns))
    rows.signals.append(_signal_row(signal))
    if isinstance(verdict, Approved):
        order = order_of_signal(signal, verdict, now_ns=now_ns)
        row = order_row(order, trade_id=signal.trade_id, signal_id=signal.signal_id)
        rows.orders.append(row)
        portfolio.place(order)
        return order
    if verdict.reason is Reason.DRAWDOWN_LIMIT:
        rows.breaker.append(_breaker_row(portfolio, now_ns=now_ns))
        portfolio.breaker_active = True
    return None


def order_of_signal(signal: Signal, verdict: Approved, *, now_ns: int) -> Order:
    """The order that an approved signal leads to."""
    return Order(
        ts_event=now_ns,
        ts_init=now_ns,
        order_id=order_id_of_signal(signal.signal_id),
        cause="signal",
        symbol=signal.symbol,
        strategy=signal.strategy,
        side=signal.side,
        quantity=verdict.quantity,
        reference_price=verdict.price,
        volatility=signal.volatility,
    )


def closing_order(
    order_id: str,
    cause: Cause,
    position: Position,
    quantity: Decimal,
    mark: Mark,
    *,
    volatility: Decimal,
    now_ns: int,
) -> Order:
    """The order that closes *position* on the price of *mark*, whatever its strategy thinks."""
    return Order(
        ts_event=now_ns,
        ts_init=now_ns,
        order_id=order_id,
        cause=cause,
        symbol=position.symbol,
        strategy=position.strategy,
        side="SELL",
        quantity=quantity,
        reference_price=mark.price,
        volatility=volatility,
    )


def order_row(
    order: Order,
    *,
    trade_id: int,
    signal_id: str | None = None,
    position_id: str | None = None,
    action_id: str | None = None,
) -> dict[str, Any]:
    """The row of *order* and of what caused it."""
    return {
        "order_id": order.order_id,
        "cause": order.cause,
        "signal_id": signal_id,
        "position_id": position_id,
        "action_id": action_id,
        "trade_id": trade_id,
        "symbol": order.symbol,
        "strategy": order.strategy,
        "side": order.side,
        "quantity": order.quantity,
        "reference_price": order.reference_price,
        "volatility": order.volatility,
        "placed_at": to_datetime(order.ts_event),
    }


def _signal_row(signal: Signal) -> dict[str, Any]:
    return {
        "signal_id": signal.signal_id,
        "symbol": signal.symbol,
        "side": signal.side,
        "strategy": signal.strategy,
        "strength": signal.strength,
        "price": signal.price,
        "volatility": signal.volatility,
        "trade_id": signal.trade_id,
        "ts_event": to_datetime(signal.ts_event),
        "ts_init": to_datetime(signal.ts_init),
    }


def _decision_row(
    signal: Signal, verdict: Verdict, portfolio: Portfolio, limits: Limits, *, now_ns: int
) -> dict[str, Any]:
    """All that *verdict* was based on; *portfolio* is as it was before the order joined it."""
    approved = verdict if isinstance(verdict, Approved) else None
    added = approved.quantity * approved.price if approved and signal.side == "BUY" else Decimal(0)
    exposure = portfolio.exposure()
    return {
        "signal_id": signal.signal_id,
        "verdict": "approved" if approved else "rejected",
        "layer": None if isinstance(verdict, Approved) else verdict.layer,
        "reason": None if isinstance(verdict, Approved) else verdict.reason.value,
        "quantity": approved.quantity if approved else None,
        "decided_at": to_datetime(now_ns),
        "fills_seen": portfolio.book.fills_seen,
        "cash": portfolio.book.cash,
        "equity": portfolio.equity(),
        "reference_equity": portfolio.reference_equity(),
        "exposure_before": exposure,
        "exposure_after": exposure + added,
        "position_after": portfolio.committed(signal.symbol) + added,
        "breaker_active": portfolio.breaker_active,
        "marks": portfolio.relevant_prices(signal.symbol),
        "limits": {
            "max_position": limits.max_position,
            "max_exposure": limits.max_exposure,
            "max_daily_drawdown": limits.max_daily_drawdown,
            "order_size": limits.order_size,
        },
    }


def _breaker_row(portfolio: Portfolio, *, now_ns: int) -> dict[str, Any]:
    return {
        "active": True,
        "cause": "decision",
        "equity": portfolio.equity(),
        "reference_equity": portfolio.reference_equity(),
        "changed_at": to_datetime(now_ns),
    }
