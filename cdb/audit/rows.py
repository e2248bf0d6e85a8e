"""The ledger's rows as the audit reads them. Money in the quote asset, quantities in the base asset, all exact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple


class Account(NamedTuple):
    """The one account."""

    opening_cash: Decimal
    cash: Decimal
    realised_pnl: Decimal


class Signal(NamedTuple):
    """An opinion as it was decided upon."""

    signal_id: str
    symbol: str
    side: str
    strategy: str
    trade_id: int


class Decision(NamedTuple):
    """A verdict with what it was based on."""

    signal_id: str
    decision_seq: int
    verdict: str
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


class SignalOrder(NamedTuple):
    """The order that a decision led to; first_fill is the number of its fill."""

    order_id: str
    signal_id: str
    symbol: str
    side: str
    quantity: Decimal
    reference_price: Decimal
    trade_id: int
    state: str
    finished_at: datetime | None
    first_fill: int | None


class Decided(NamedTuple):
    """A signal, its decision and its order; what the ledger lacks is None."""

    signal: Signal | None
    decision: Decision | None
    order: SignalOrder | None


class OrderFill(NamedTuple):
    """An order's fill, as far as it must agree with the order."""

    fill_id: str
    symbol: str
    side: str
    quantity: Decimal
    position_id: str


class Lifetime(NamedTuple):
    """From which order to which one a position was held; closed_by is None while it is. Numbers rise, times may not."""

    symbol: str
    strategy: str
    opened_by: int
    closed_by: int | None


class Order(NamedTuple):
    """Any order, with its fill, and with the position that a stop loss or an operator's order names.

    Of an operator's order *held* is what earlier orders have bought of its position, less what they have sold, and
    *asked* what its action was.
    """

    order_seq: int
    order_id: str
    cause: str
    position_id: str | None
    trade_id: int
    symbol: str
    strategy: str
    side: str
    quantity: Decimal
    placed_at: datetime
    state: str
    finished_at: datetime | None
    refusal: str | None
    action_id: str | None
    held: Decimal | None
    asked: str | None
    fill: OrderFill | None
    position: Lifetime | None


class Fill(NamedTuple):
    """One fill. strategy is that of the order it names, None if that does not exist."""

    fill_seq: int
    fill_id: str
    order_id: str
    position_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal
    realised_pnl: Decimal | None
    filled_at: datetime
    strategy: str | None


class Position(NamedTuple):
    """What the ledger says a strategy holds of one symbol."""

    symbol: str
    strategy: str
    position_id: str
    quantity: Decimal
    cost: Decimal


class Reference(NamedTuple):
    """What drawdown was measured against from noted_at on."""

    noted_at: datetime
    equity: Decimal


class EquityMark(NamedTuple):
    """What the account was worth at a moment, with the prices that this is made of."""

    at: datetime
    cash: Decimal
    exposure: Decimal
    equity: Decimal
    reference_equity: Decimal
    drawdown: Decimal
    fills_seen: int
    marks: Mapping[str, Any]


class BreakerChange(NamedTuple):
    """The breaker tripped or was reset."""

    changed_at: datetime
    active: bool
    cause: str
    action_id: str | None
    asked: str | None
    """What its action was."""


class Acted(NamedTuple):
    """An operator's action, with the changes of the breaker and the ids of the orders that name it."""

    action_id: str
    what: str
    details: Mapping[str, Any]
    changes: int
    orders: list[str]


class Adjustment(NamedTuple):
    """Cash that a test added or took."""

    noted_at: datetime
    amount: Decimal


class Uniqueness(NamedTuple):
    """How often each value of a column that must be unique occurs, where it is more than once."""

    table: str
    column: str
    rows: int
    repeated: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class LedgerRows:
    """A ledger at one moment. The big tables are read once, in the order of their numbers, and may be streams."""

    taken_at: datetime
    account: Account | None
    decided: Iterable[Decided] = ()
    orders: Iterable[Order] = ()
    fills: Iterable[Fill] = ()
    positions: list[Position] = field(default_factory=list)
    equity_marks: Iterable[EquityMark] = ()
    references: list[Reference] = field(default_factory=list)
    breaker: list[BreakerChange] = field(default_factory=list)
    actions: list[Acted] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    uniqueness: list[Uniqueness] = field(default_factory=list)
