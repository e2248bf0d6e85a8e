"""All that the ledger has of one decision, or of an order without one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from services.actions import Recorded
from services.ledger.actions import find_action
from services.ledger.results import Reader, trades_closed_by
from services.performance.trades import ClosedTrade

R = TypeVar("R", bound=NamedTuple)
MOST_FILLS: Final = 100
_MOST: Final = 2**63 - 1


class Signal(NamedTuple):
    """An opinion as it was decided upon."""

    signal_id: str
    symbol: str
    side: str
    strategy: str
    strength: Decimal
    price: Decimal
    volatility: Decimal
    trade_id: int
    ts_event: datetime
    ts_init: datetime


class Decision(NamedTuple):
    """A verdict with what it was based on."""

    decision_seq: int
    verdict: str
    layer: int | None
    reason: str | None
    quantity: Decimal | None
    decided_at: datetime
    fills_seen: int
    cash: Decimal
    equity: Decimal
    reference_equity: Decimal
    exposure_before: Decimal
    exposure_after: Decimal
    position_after: Decimal
    breaker_active: bool
    marks: Mapping[str, Any]
    limits: Mapping[str, Any]


class Order(NamedTuple):
    """An order, whatever caused it."""

    order_seq: int
    order_id: str
    cause: str
    signal_id: str | None
    position_id: str | None
    trade_id: int
    symbol: str
    strategy: str
    side: str
    quantity: Decimal
    reference_price: Decimal
    volatility: Decimal
    placed_at: datetime
    state: str
    finished_at: datetime | None
    refusal: str | None
    action_id: str | None


class Fill(NamedTuple):
    """An order's fill."""

    fill_seq: int
    fill_id: str
    order_id: str
    position_id: str
    side: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal
    slippage_bps: Decimal
    realised_pnl: Decimal | None
    filled_at: datetime


class Step(NamedTuple):
    """One fill of a position, and what caused its order."""

    order_id: str
    signal_id: str | None
    cause: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    realised_pnl: Decimal | None
    filled_at: datetime


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What the ledger has; what it lacks is None. *trade* is the position once nothing of it is held.

    *action* is what an operator asked for.
    """

    signal: Signal | None = None
    decision: Decision | None = None
    order: Order | None = None
    fill: Fill | None = None
    steps: tuple[Step, ...] = ()
    trade: ClosedTrade | None = None
    action: Recorded | None = None

    @property
    def at(self) -> datetime:
        """When it was decided, or the order placed."""
        if self.decision is not None:
            return self.decision.decided_at
        assert self.order is not None  # noqa: S101  there is one or the other
        return self.order.placed_at

    @property
    def name(self) -> str:
        """The id of the signal, or of an order without one."""
        if self.signal is not None:
            return self.signal.signal_id
        assert self.order is not None  # noqa: S101
        return self.order.order_id

    @property
    def symbol(self) -> str:
        """What was to be bought or sold."""
        found = self.signal or self.order
        assert found is not None  # noqa: S101
        return found.symbol


def basis_of(ledger: Reader, name: str) -> Basis | None:
    """Read the decision on the signal *name*, or the order *name*; None if there is neither. Raises ServerAway."""
    order = _one(ledger, Order, "orders", "signal_id", name) or _one(ledger, Order, "orders", "order_id", name)
    signal_id = order.signal_id if order and order.signal_id is not None else name
    signal = _one(ledger, Signal, "signals", "signal_id", signal_id)
    decision = _one(ledger, Decision, "decisions", "signal_id", signal_id)
    if decision is None and order is None:
        return None
    fill = _one(ledger, Fill, "fills", "order_id", order.order_id) if order else None
    position = fill.position_id if fill else order.position_id if order else None
    closed = trades_closed_by(ledger, [position], after_seq=0, until_seq=_MOST) if position else []
    return Basis(
        signal=signal,
        decision=decision,
        order=order,
        fill=fill,
        steps=_steps(ledger, position) if position else (),
        trade=closed[0] if closed else None,
        action=find_action(ledger, order.action_id) if order and order.action_id else None,
    )


def _one(ledger: Reader, kind: type[R], table: str, key: str, value: str) -> R | None:
    columns = ", ".join(kind._fields)
    rows = ledger.execute(f"SELECT {columns} FROM {table} WHERE {key} = %s LIMIT 1", (value,))  # noqa: S608  our own names
    return kind(*rows[0]) if rows else None


def _steps(ledger: Reader, position_id: str) -> tuple[Step, ...]:
    """The newest MOST_FILLS of a position, oldest first."""
    rows = ledger.execute(
        "SELECT f.order_id, o.signal_id, o.cause, f.side, f.quantity, f.price, f.fee, f.realised_pnl, f.filled_at "
        "FROM fills f JOIN orders o USING (order_id) WHERE f.position_id = %s ORDER BY f.fill_seq DESC LIMIT %s",
        (position_id, MOST_FILLS),
    )
    return tuple(Step(*row) for row in reversed(rows))
