"""What a backtest reads from its ledger: fills, and the trades that they close."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.ledger.connection import Ledger
from services.performance.trades import ClosedTrade


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

_CLOSED_TRADES: Final = """
SELECT f.position_id, min(s.strategy), min(f.symbol), min(f.filled_at), max(f.filled_at),
    sum(f.quantity) FILTER (WHERE f.side = 'BUY'),
    sum(f.notional) FILTER (WHERE f.side = 'BUY') / sum(f.quantity) FILTER (WHERE f.side = 'BUY'),
    sum(f.notional) FILTER (WHERE f.side = 'SELL') / sum(f.quantity) FILTER (WHERE f.side = 'SELL'),
    sum(f.notional + f.fee) FILTER (WHERE f.side = 'BUY'),
    sum(f.fee), sum(f.realised_pnl), (array_agg(o.cause ORDER BY f.fill_seq DESC))[1]
FROM fills f JOIN orders o USING (order_id) LEFT JOIN signals s ON s.signal_id = o.signal_id
GROUP BY f.position_id
HAVING sum(CASE f.side WHEN 'BUY' THEN f.quantity ELSE -f.quantity END) = 0
ORDER BY max(f.fill_seq)
"""


def fills_of(ledger: Ledger) -> list[Filled]:
    """All fills, oldest first. Raises ServerAway."""
    return [Filled(*row) for row in ledger.execute(_FILLS)]


def closed_trades_of(ledger: Ledger) -> list[ClosedTrade]:
    """All closed trades, in the order of their closing. Raises ServerAway."""
    return [ClosedTrade(*row) for row in ledger.execute(_CLOSED_TRADES)]
