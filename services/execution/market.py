"""What the market traded after an order came: on a live market that is what the order is filled at."""

from typing import Final

from services.bus.port import Bus
from services.bus.trades import newest_trades
from services.messages import MarketData, Order

LOOKED_AT: Final = 1_000
"""So many of the newest trades; orders wait for tenths of a second."""


class NextTrades:
    """The newest trades on the bus, as they were at the last look."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._trades: list[MarketData] = []

    def look(self) -> None:
        """Read the bus; raises ServerAway."""
        self._trades = [trade for trade in newest_trades(self._bus, most=LOOKED_AT) if not trade.late]

    def after(self, order: Order) -> MarketData | None:
        """The first trade of the order's symbol after the order was made; None if there was none yet."""
        return next((one for one in self._trades if one.symbol == order.symbol and one.ts_event > order.ts_init), None)
