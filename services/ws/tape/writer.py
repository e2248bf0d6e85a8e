"""Writes trades in the form that a recorded tape has, so that reading it gives the same trades to the last digit."""

from typing import Final

from services.messages import MarketData
from services.ws.tape.columns import RECORDED
from services.ws.tape.values import LATE

HEADER: Final = f"{','.join(RECORDED)}\n"


def line_of(trade: MarketData, *, late: bool) -> str:
    """The line of *trade*; *late* says that nobody may act on it."""
    return (
        f"{trade.ts_event},{trade.trade_id},{trade.symbol},{trade.side},{trade.price},{trade.quantity},"
        f"{LATE if late else ''}\n"
    )
