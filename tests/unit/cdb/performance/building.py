"""Fills as tests need them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Literal

from cdb.performance.rows import Filled

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_numbers = count(1)


def a_fill(
    side: Literal["BUY", "SELL"],
    quantity: str,
    price: str,
    *,
    fee: str = "0",
    symbol: str = "BTCUSDT",
    strategy: str = "momentum_v1",
) -> Filled:
    """One fill, a second later than the one before. Its result by average cost is of no matter."""
    number = next(_numbers)
    return Filled(
        fill_id=f"fill:{number}",
        order_id=f"order:{number}",
        position_id=f"position:{symbol}:{strategy}",
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        notional=Decimal(quantity) * Decimal(price),
        fee=Decimal(fee),
        realised_pnl=Decimal(0) if side == "SELL" else None,
        filled_at=NOON + timedelta(seconds=number),
        strategy=strategy,
        cause="signal",
    )
