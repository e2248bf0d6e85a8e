"""The fills of a backtest, as its page shows them."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.ledger.connection import Ledger


@dataclass(frozen=True, slots=True)
class Filled:
    """One fill with the cause of its order. Money is in the quote asset."""

    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    realised_pnl: Decimal | None
    filled_at: datetime
    cause: str


_FILLS: Final = f"""
SELECT {", ".join(f"f.{column.name}" for column in fields(Filled)[:-1])}, o.cause
FROM fills f JOIN orders o USING (order_id) ORDER BY f.fill_seq
"""  # noqa: S608  names of our own


def fills_of(ledger: Ledger) -> list[Filled]:
    """All fills, oldest first. Raises ServerAway."""
    return [Filled(*row) for row in ledger.execute(_FILLS)]
