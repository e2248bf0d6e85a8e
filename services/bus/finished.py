"""The trades that a group has finished, so that a service which starts again knows the market as before."""

from collections.abc import Iterator
from typing import Final

from services.bus.entries import stream_position
from services.bus.port import Bus
from services.clock import NANOSECONDS, Clock
from services.messages import BadMessage, MarketData
from services.topology import MARKET_DATA

_NANOSECONDS_PER_MS: Final = NANOSECONDS // 1000


def finished_trades(bus: Bus, clock: Clock, *, most: int) -> Iterator[MarketData]:
    """Yield the newest *most* trades that this group has acknowledged, each symbol's in their order.

    Raises ServerAway.

    What was not taken in when it came is left out: no message at all, a trade that was from the future then, one that
    came again or too late.
    """
    newest: dict[str, tuple[int, int]] = {}
    for entry in bus.newest_finished(MARKET_DATA, count=most):
        try:
            trade = entry.read()
        except BadMessage:
            continue
        seen_ns = stream_position(entry.id)[0] * _NANOSECONDS_PER_MS
        if not isinstance(trade, MarketData) or clock.is_ahead(trade.ts_event, seen_ns=seen_ns):
            continue
        position = (trade.ts_event, trade.trade_id)
        if position > newest.get(trade.symbol, (0, -1)):
            newest[trade.symbol] = position
            yield trade
