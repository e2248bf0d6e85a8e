"""The rules of risk, all of them, in the order in which they are asked.

Money is in the quote asset (USDT), quantity in the base asset (BTC in BTCUSDT), a limit of 0.05 means 5 %.

    layer  objection                 when a BUY is stopped
    1      STALE_MARKET_DATA         the signal is too old, its price is too old, or a position held has no price
    2      CIRCUIT_BREAKER_ACTIVE    the breaker has tripped and nobody has reset it
    3      DRAWDOWN_LIMIT            today's loss has reached the limit (this also trips the breaker)
    4      EXPOSURE_LIMIT            all positions and orders in flight, with this order, would exceed the limit
    5      POSITION_SIZE_EXCEEDED    this symbol's position and orders in flight, with this order, would exceed it
    6      ORDER_RATE_EXCEEDED       too many orders in the last minute

The first objection is the reason that is given. A SELL only ever closes what is held: it is stopped by layer 1 (an
old opinion is no opinion) or because there is nothing to sell (NO_POSITION, which violates no limit). Nothing else
stops it, because reducing a position is always allowed.

Besides signals, a position is closed by its stop loss as soon as the price has fallen far enough below its cost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from services.messages import MAX_QUANTITY, Signal
from services.risk.portfolio import Mark, Portfolio, Position

NANOSECONDS = 1_000_000_000
LOT = Decimal("0.00000001")


class Reason(StrEnum):
    """Why a signal does not become an order."""

    STALE_MARKET_DATA = "STALE_MARKET_DATA"
    CIRCUIT_BREAKER_ACTIVE = "CIRCUIT_BREAKER_ACTIVE"
    DRAWDOWN_LIMIT = "DRAWDOWN_LIMIT"
    EXPOSURE_LIMIT = "EXPOSURE_LIMIT"
    POSITION_SIZE_EXCEEDED = "POSITION_SIZE_EXCEEDED"
    ORDER_RATE_EXCEEDED = "ORDER_RATE_EXCEEDED"
    NO_POSITION = "NO_POSITION"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the operator allows. Shares are of equity, ages in seconds."""

    max_daily_drawdown: Decimal = Decimal("0.05")
    max_position: Decimal = Decimal("0.10")
    max_exposure: Decimal = Decimal("0.50")
    max_signal_age_s: float = 3.0
    max_price_age_s: float = 5.0
    max_held_price_age_s: float = 300.0
    max_orders_per_minute: int = 120
    order_size: Decimal = Decimal("0.085")
    stop_loss: Decimal = Decimal("0.02")


@dataclass(frozen=True)
class Approved:
    """The signal becomes an order of *quantity* at about *price*."""

    signal_id: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class Rejected:
    """The signal becomes nothing. layer is None where no limit was violated."""

    signal_id: str
    layer: int | None
    reason: Reason


Verdict = Approved | Rejected


def assess(
    signal: Signal, portfolio: Portfolio, limits: Limits, *, now_ns: int, answered: Callable[[], object] = lambda: None
) -> Verdict:
    """Decide whether *signal* may become an order. The first layer that objects names the reason.

    *answered* is called each time a layer has answered, in their order; so a caller can tell how long each took.
    """
    mark = portfolio.marks.get(signal.symbol)
    stale = mark is None or not mark.is_price() or is_stale(signal, mark, portfolio, limits, now_ns=now_ns)
    answered()
    if mark is None or stale:
        return Rejected(signal.signal_id, 1, Reason.STALE_MARKET_DATA)
    if signal.side == "SELL":
        quantity = portfolio.sellable(signal.symbol)
        if not quantity:
            return Rejected(signal.signal_id, None, Reason.NO_POSITION)
        return Approved(signal.signal_id, quantity, mark.price)
    return _assess_buy(signal, portfolio, limits, mark, answered)


def is_stale(signal: Signal, mark: Mark, portfolio: Portfolio, limits: Limits, *, now_ns: int) -> bool:
    """Layer 1: nobody should act on old news, nor on a portfolio whose worth is unknown."""
    signal_age = age_s(signal.ts_event, now_ns)
    price_age = age_s(mark.ts_event, now_ns)
    if signal_age > limits.max_signal_age_s or price_age > limits.max_price_age_s:
        return True
    return signal.side == "BUY" and is_worth_unknown(portfolio, limits, now_ns=now_ns)


def is_worth_unknown(portfolio: Portfolio, limits: Limits, *, now_ns: int) -> bool:
    """Tell whether a position held has no price, or one so old that nobody knows what the account is worth."""
    if not portfolio.is_marked():
        return True
    held = [portfolio.marks[symbol] for symbol in portfolio.book.positions]
    return any(age_s(mark.ts_event, now_ns) > limits.max_held_price_age_s for mark in held)


def _assess_buy(
    signal: Signal, portfolio: Portfolio, limits: Limits, mark: Mark, answered: Callable[[], object]
) -> Verdict:
    equity = portfolio.equity()
    quantity = size_of(equity, mark.price, limits)
    notional = quantity * mark.price
    layers: tuple[tuple[int, Reason, Callable[[], bool]], ...] = (
        (2, Reason.CIRCUIT_BREAKER_ACTIVE, lambda: portfolio.breaker_active),
        (3, Reason.DRAWDOWN_LIMIT, lambda: is_drawdown_at_limit(portfolio, limits)),
        (4, Reason.EXPOSURE_LIMIT, lambda: portfolio.exposure() + notional > limits.max_exposure * equity),
        (
            5,
            Reason.POSITION_SIZE_EXCEEDED,
            lambda: portfolio.committed(signal.symbol) + notional > limits.max_position * equity,
        ),
        (6, Reason.ORDER_RATE_EXCEEDED, lambda: portfolio.orders_last_minute >= limits.max_orders_per_minute),
    )
    for layer, reason, objects in layers:
        objection = objects()
        answered()
        if objection:
            return Rejected(signal.signal_id, layer, reason)
    if not quantity:
        return Rejected(signal.signal_id, 5, Reason.POSITION_SIZE_EXCEEDED)
    return Approved(signal.signal_id, quantity, mark.price)


def size_of(equity: Decimal, price: Decimal, limits: Limits) -> Decimal:
    """Return how much to buy: a fixed share of equity, rounded down to what can be traded.

    Returns 0 without equity, and where the coin is so cheap that an order cannot hold so much of it.
    """
    quantity = limits.order_size * equity / price
    return quantity.quantize(LOT, ROUND_DOWN) if 0 < quantity <= MAX_QUANTITY else Decimal(0)


def is_drawdown_at_limit(portfolio: Portfolio, limits: Limits) -> bool:
    """Tell whether today's loss has reached what may be lost in a day."""
    return portfolio.drawdown() >= limits.max_daily_drawdown


def is_stop_loss_reached(position: Position, price: Decimal, limits: Limits) -> bool:
    """Tell whether *price* has fallen so far below what the position has cost that it must be closed."""
    return price <= stop_price(position, limits)


def stop_price(position: Position, limits: Limits) -> Decimal:
    """Return the price at which a position is closed."""
    return position.cost / position.quantity * (1 - limits.stop_loss)


def age_s(then_ns: int, now_ns: int) -> float:
    """Return how far a time is from now in seconds; a time in the future is as wrong as one in the past."""
    return abs(now_ns - then_ns) / NANOSECONDS
