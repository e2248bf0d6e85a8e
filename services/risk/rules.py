"""The rules of risk, all of them, in the order in which they are asked.

Money is in the quote asset (USDT), quantity in the base asset (BTC in BTCUSDT), a limit of 0.05 means 5 %.

    layer  objection                 when a BUY is stopped
    1      STALE_MARKET_DATA         the signal is too old, its price is too old, or a position held has no price
    2      CIRCUIT_BREAKER_ACTIVE    the breaker has tripped and nobody has reset it
    3      DRAWDOWN_LIMIT            today's loss has reached the limit (this also trips the breaker)
    4      EXPOSURE_LIMIT            all positions and orders in flight, with this order, would exceed the limit, or
                                     cash cannot pay for even half of the order
    5      POSITION_SIZE_EXCEEDED    this symbol's positions and orders in flight, with this order, would exceed it, or
                                     be more than one order could sell
    6      ORDER_RATE_EXCEEDED       too many orders in the last minute

Limits count the sum over all strategies. The first objection is the reason that is given; later layers are not asked. A
SELL only ever closes what its own strategy holds: it is stopped by layer 1 (an old opinion is no opinion) or because
there is nothing to sell (NO_POSITION, which violates no limit). Nothing else stops it, because reducing a position is
always allowed.

An order is for a fixed share of equity, or for less if cash pays only for less: what the venue can charge at worst, for
this order and for those in flight, is always there (services/costs.py). So cash is never negative.

A new layer is one entry in LAYERS, one Reason, and its words in telemetry/contract.yaml (docs/recipes.md).

Besides signals, a position is closed by its stop loss as soon as the price has fallen far enough below its cost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from services.clock import NANOSECONDS
from services.costs import UNIT, notional_for
from services.messages import MAX_QUANTITY, PositionKey, Signal, most_of_one_order
from services.risk.limits import Limits
from services.risk.portfolio import Mark, Portfolio, Position

LOT = Decimal("0.00000001")
LEAST_PART = Decimal("0.5")
"""Of the usual order: what cash pays for is bought if it is at least that, or an account would end in tiny orders."""


class Reason(StrEnum):
    """Why a signal does not become an order."""

    STALE_MARKET_DATA = "STALE_MARKET_DATA"
    CIRCUIT_BREAKER_ACTIVE = "CIRCUIT_BREAKER_ACTIVE"
    DRAWDOWN_LIMIT = "DRAWDOWN_LIMIT"
    EXPOSURE_LIMIT = "EXPOSURE_LIMIT"
    POSITION_SIZE_EXCEEDED = "POSITION_SIZE_EXCEEDED"
    ORDER_RATE_EXCEEDED = "ORDER_RATE_EXCEEDED"
    NO_POSITION = "NO_POSITION"


@dataclass(frozen=True)
class Question:
    """What a layer is asked: may this signal become an order, with this portfolio, under these limits, now."""

    signal: Signal
    portfolio: Portfolio
    limits: Limits
    now_ns: int

    @cached_property
    def mark(self) -> Mark | None:
        """The newest price of the signal's symbol, None if there is none that anything could be valued at."""
        mark = self.portfolio.marks.get(self.signal.symbol)
        return mark if mark is not None and mark.is_price() else None

    @cached_property
    def equity(self) -> Decimal:
        """What the account is worth."""
        return self.portfolio.equity()

    @cached_property
    def quantity(self) -> Decimal:
        """How much would be bought, or can be sold."""
        if self.mark is None:
            return Decimal(0)
        if self.signal.side == "SELL":
            key = PositionKey(self.signal.symbol, self.signal.strategy)
            return sale_of(self.portfolio, key, self.mark.price)
        return size_of(min(self.wanted, self.payable), self.mark.price)

    @cached_property
    def wanted(self) -> Decimal:
        """The notional of the usual order."""
        return self.limits.order_size * self.equity

    @cached_property
    def payable(self) -> Decimal:
        """The notional that cash pays for."""
        return notional_for(self.portfolio.spendable())

    @cached_property
    def notional(self) -> Decimal:
        """What the order would cost."""
        return self.quantity * self.mark.price if self.mark else Decimal(0)


@dataclass(frozen=True)
class Layer:
    """A rule that can object to a purchase and, if it *stops_sales*, to a sale."""

    number: int
    reason: Reason
    objects: Callable[[Question], bool]
    stops_sales: bool = False


def is_stale(question: Question) -> bool:
    """Whether news or prices are too old to act on, or what the account is worth is not known."""
    signal, limits, now_ns = question.signal, question.limits, question.now_ns
    if question.mark is None or age_s(signal.ts_event, now_ns) > limits.max_signal_age_s:
        return True
    if age_s(question.mark.ts_event, now_ns) > limits.max_price_age_s:
        return True
    return signal.side == "BUY" and is_worth_unknown(question.portfolio, limits, now_ns=now_ns)


def is_over_exposure(question: Question) -> bool:
    """Whether all positions and orders in flight, with this order, would exceed the limit, or what cash can pay."""
    if question.payable < LEAST_PART * question.wanted:
        return True
    return question.portfolio.exposure() + question.notional > question.limits.max_exposure * question.equity


def is_position_too_large(question: Question) -> bool:
    """Whether the symbol's positions with this order would exceed the limit or what one order can sell.

    Also if no order of a tradable size is possible.
    """
    portfolio, symbol = question.portfolio, question.signal.symbol
    if not question.quantity or portfolio.committed_quantity(symbol) + question.quantity > MAX_QUANTITY:
        return True
    return portfolio.committed(symbol) + question.notional > question.limits.max_position * question.equity


LAYERS = (
    Layer(1, Reason.STALE_MARKET_DATA, is_stale, stops_sales=True),
    Layer(2, Reason.CIRCUIT_BREAKER_ACTIVE, lambda q: q.portfolio.breaker_active),
    Layer(3, Reason.DRAWDOWN_LIMIT, lambda q: is_drawdown_at_limit(q.portfolio, q.limits)),
    Layer(4, Reason.EXPOSURE_LIMIT, is_over_exposure),
    Layer(5, Reason.POSITION_SIZE_EXCEEDED, is_position_too_large),
    Layer(6, Reason.ORDER_RATE_EXCEEDED, lambda q: q.portfolio.orders_last_minute >= q.limits.max_orders_per_minute),
)


class Check(NamedTuple):
    """One layer's answer, from when to when it was asked; times as the caller's clock has them."""

    layer: int
    passed: bool
    asked: int
    answered: int


@dataclass(frozen=True)
class Approved:
    """The signal becomes an order of *quantity* at about *price*; *checks* are the layers' answers, in their order."""

    signal_id: str
    quantity: Decimal
    price: Decimal
    checks: tuple[Check, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Rejected:
    """The signal becomes nothing. layer is None where no limit was violated."""

    signal_id: str
    layer: int | None
    reason: Reason
    checks: tuple[Check, ...] = field(default=(), compare=False)


Verdict = Approved | Rejected


def assess(
    signal: Signal, portfolio: Portfolio, limits: Limits, *, now_ns: int, clock: Callable[[], int] = lambda: 0
) -> Verdict:
    """Decide whether *signal* may become an order. The first layer that objects names the reason.

    *now_ns* is the time that ages are measured by, *clock* what the checks are timed with.
    """
    question = Question(signal, portfolio, limits, now_ns)
    checks: list[Check] = []
    asked = clock()
    for layer in LAYERS:
        if signal.side == "BUY" or layer.stops_sales:
            objects = layer.objects(question)
            checks.append(Check(layer.number, not objects, asked, answered := clock()))
            if objects:
                return Rejected(signal.signal_id, layer.number, layer.reason, tuple(checks))
            asked = answered
    if not question.quantity or question.mark is None:
        return Rejected(signal.signal_id, None, Reason.NO_POSITION, tuple(checks))
    return Approved(signal.signal_id, question.quantity, question.mark.price, tuple(checks))


def is_worth_unknown(portfolio: Portfolio, limits: Limits, *, now_ns: int) -> bool:
    """Whether a position held has no price, or one so old that nobody knows what the account is worth."""
    return any(
        is_price_unknown(portfolio.marks.get(symbol), limits, now_ns=now_ns) for symbol in portfolio.book.symbols()
    )


def is_price_unknown(mark: Mark | None, limits: Limits, *, now_ns: int) -> bool:
    """Whether *mark* is too old, or no price at all, to tell what a position is worth."""
    return mark is None or not mark.is_price() or age_s(mark.ts_event, now_ns) > limits.max_held_price_age_s


def size_of(notional: Decimal, price: Decimal) -> Decimal:
    """How much to buy for *notional*, rounded down to what can be traded.

    0 without money, and where so little or so much of it cannot be ordered.
    """
    quantity = notional / price
    if not 0 < quantity <= most_of_one_order(price):
        return Decimal(0)
    quantity = quantity.quantize(LOT, ROUND_DOWN)
    return quantity if quantity * price >= UNIT else Decimal(0)


def sale_of(portfolio: Portfolio, key: PositionKey, price: Decimal) -> Decimal:
    """How much of a position the next order sells: all of it, or as much as one order can hold."""
    free, most = portfolio.sellable(key), most_of_one_order(price)
    return free if free <= most else most.quantize(LOT, ROUND_DOWN)


def is_drawdown_at_limit(portfolio: Portfolio, limits: Limits) -> bool:
    """Whether today's loss has reached what may be lost in a day."""
    return portfolio.drawdown() >= limits.max_daily_drawdown


def is_stop_loss_reached(position: Position, price: Decimal, limits: Limits) -> bool:
    """Whether *price* has fallen so far below what the position has cost that it must be closed."""
    return price <= stop_price(position, limits)


def stop_price(position: Position, limits: Limits) -> Decimal:
    """The price at which a position is closed."""
    return position.cost / position.quantity * (1 - limits.stop_loss)


def age_s(then_ns: int, now_ns: int) -> float:
    """How far a time is from now in seconds; a time in the future is as wrong as one in the past."""
    return abs(now_ns - then_ns) / NANOSECONDS
