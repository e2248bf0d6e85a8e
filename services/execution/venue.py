"""The paper venue: at what price an order is filled, and what that costs. The same order always fills the same way.

The fill price is the order's reference price or, on a live market, the price of the next trade, moved against the order
by a slippage in basis points:

    base + size_bps x (notional / depth) + volatility_share x volatility x 10 000, times a random factor of 0.5 to 1.5

where the random part is seeded by the order's id. Fees and notionals are rounded to 8 decimals, prices too unless the
coin is so cheap that this would be coarse.
"""

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Final

from pydantic import Field

from services.costs import BASIS_POINTS, MAX_FEE_BPS, MAX_SLIPPAGE_BPS, UNIT
from services.messages import Order
from services.settings import Settings

_TWO_DECIMALS: Final = Decimal("0.01")

SlippageBps = Annotated[Decimal, Field(ge=0, le=MAX_SLIPPAGE_BPS, allow_inf_nan=False)]
FeeBps = Annotated[Decimal, Field(ge=0, le=MAX_FEE_BPS, allow_inf_nan=False)]


class VenueSettings(Settings):
    """Slippage and fee in basis points; depth is the notional (quote asset) that moves the price by size_bps."""

    base_bps: SlippageBps = Field(default=Decimal("0.5"), validation_alias="PAPER_SLIPPAGE_BASE_BPS")
    size_bps: SlippageBps = Field(default=Decimal(1), validation_alias="PAPER_SLIPPAGE_SIZE_BPS")
    depth: Annotated[Decimal, Field(gt=0, le=Decimal("1e15"), allow_inf_nan=False)] = Field(
        default=Decimal(20_000), validation_alias="PAPER_DEPTH"
    )
    volatility_share: Decimal = Decimal("0.2")
    fee_bps: FeeBps = Field(default=Decimal(1), validation_alias="PAPER_FEE_BPS")


@dataclass(frozen=True)
class Execution:
    """How the venue filled an order: price, notional and fee in the quote asset, slippage in basis points.

    Slippage is against the price that was decided on; negative: the market has moved in the order's favour.
    """

    price: Decimal
    notional: Decimal
    fee: Decimal
    slippage_bps: Decimal


def execute(order: Order, settings: VenueSettings, *, market: Decimal | None = None) -> Execution:
    """Fill *order* completely, at the price of the *market* if that is known better than when it was decided."""
    slippage_bps = slippage_of(order, settings)
    direction = 1 if order.side == "BUY" else -1
    moved = (market or order.reference_price) * (1 + direction * slippage_bps / BASIS_POINTS)
    price = moved.quantize(price_unit(order.reference_price), ROUND_HALF_EVEN)
    if market is not None:
        slippage_bps = (direction * (price / order.reference_price - 1) * BASIS_POINTS).quantize(_TWO_DECIMALS)
    notional = (price * order.quantity).quantize(UNIT, ROUND_HALF_EVEN)
    fee = (notional * settings.fee_bps / BASIS_POINTS).quantize(UNIT, ROUND_HALF_EVEN)
    return Execution(price, notional, fee, slippage_bps)


def slippage_of(order: Order, settings: VenueSettings) -> Decimal:
    """How far the price moves against *order*, in basis points."""
    size = settings.size_bps * order.quantity * order.reference_price / settings.depth
    moving = settings.volatility_share * order.volatility * BASIS_POINTS
    luck = Decimal(str(round(random.Random(order.order_id).uniform(0.5, 1.5), 4)))  # noqa: S311  no secret
    return min(MAX_SLIPPAGE_BPS, (settings.base_bps + size + moving) * luck).quantize(_TWO_DECIMALS)


def price_unit(reference: Decimal) -> Decimal:
    """The step of fill prices: 8 decimals, finer for a coin so cheap that 8 would be coarse."""
    return UNIT.scaleb(min(0, reference.adjusted()))
