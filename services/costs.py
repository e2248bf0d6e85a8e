"""The most that a venue may charge for an order: risk keeps this much cash free, and no venue setting exceeds it."""

from decimal import Decimal
from typing import Final

UNIT: Final = Decimal("0.00000001")
"""Notionals and fees are rounded to it."""
BASIS_POINTS: Final = Decimal(10_000)
MAX_SLIPPAGE_BPS: Final = Decimal(500)
MAX_FEE_BPS: Final = Decimal(500)

_ROUNDED_PRICE: Final = 1 + UNIT
_SHARE: Final = (1 + MAX_SLIPPAGE_BPS / BASIS_POINTS) * (1 + MAX_FEE_BPS / BASIS_POINTS) * _ROUNDED_PRICE
_ROUNDED_MONEY: Final = 2 * UNIT


def most_paid(notional: Decimal) -> Decimal:
    """The most cash that a purchase can take whose *notional* is at its reference price."""
    return notional * _SHARE + _ROUNDED_MONEY


def notional_for(cash: Decimal) -> Decimal:
    """The notional whose purchase *cash* pays for in any case; 0 or less if it pays for none."""
    return (cash - _ROUNDED_MONEY) / _SHARE
