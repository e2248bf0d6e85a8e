"""What one fill does to position and cash. Money in the quote asset, exact to 8 decimals."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from services.costs import UNIT

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held of one symbol; cost is what it has cost, fees included. Nothing held costs nothing."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Booking:
    """What a fill changes: the holding afterwards, the change of cash, the result realised (None for a purchase)."""

    holding: Holding
    cash_change: Decimal
    realised_pnl: Decimal | None


class CannotBook(Exception):
    """A fill that the account must not have; the text says why."""


class Oversold(CannotBook):
    """A sale of more than is held."""


class Overdrawn(CannotBook):
    """A purchase for more than the cash there is."""


def book(
    holding: Holding, side: Literal["BUY", "SELL"], quantity: Decimal, *, notional: Decimal, fee: Decimal
) -> Booking:
    """What buying or selling *quantity* for *notional* does to *holding*. Raises Oversold rather than go short.

    A sale takes its share of the cost with it; the last one takes all that is left, so no remainder ever stays.
    """
    if side == "BUY":
        bought = Holding(holding.quantity + quantity, holding.cost + notional + fee)
        return Booking(bought, -(notional + fee), None)
    if quantity > holding.quantity:
        raise Oversold(f"{quantity} to sell, {holding.quantity} held")
    left = holding.quantity - quantity
    cost_sold = (holding.cost * quantity / holding.quantity).quantize(UNIT, ROUND_HALF_EVEN) if left else holding.cost
    proceeds = notional - fee
    return Booking(Holding(left, holding.cost - cost_sold), proceeds, proceeds - cost_sold)


def cash_after(cash: Decimal, booking: Booking) -> Decimal:
    """Cash once *booking* is booked. Raises Overdrawn rather than let a purchase take it below 0."""
    left = cash + booking.cash_change
    if booking.cash_change < 0 and left < 0:
        raise Overdrawn(f"{-booking.cash_change} to pay, {cash} in cash")
    return left
