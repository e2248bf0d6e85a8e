"""The trades that the bus still has, so that a service which starts again knows the market as before."""

from collections.abc import Iterable, Iterator
from typing import Final

from services.bus.entries import Entry, stream_position
from services.bus.port import Bus
from services.clock import NANOSECONDS, Clock
from services.messages import BadMessage, MarketData
from services.topology import MARKET_DATA

_NANOSECONDS_PER_MS: Final = NANOSECONDS // 1000


def newest_trades(bus: Bus, *, most: int) -> Iterator[MarketData]:
    """Yield the trades among the newest *most* entries, oldest first, whoever has read them. Raises ServerAway."""
    for _, trade in _readable(bus.newest(MARKET_DATA, count=most)):
        yield trade


def finished_trades(bus: Bus, clock: Clock, *, most: int) -> Iterator[MarketData]:
    """Yield the newest *most* trades that this group has acknowledged; one may be among them again or too late.

    What is no message at all, and a trade that was from the future when it came, are left out. Raises ServerAway.
    """
    for entry, trade in _readable(bus.newest_finished(MARKET_DATA, count=most)):
        seen_ns = stream_position(entry.id)[0] * _NANOSECONDS_PER_MS
        if not clock.is_ahead(trade.ts_event, seen_ns=seen_ns):
            yield trade


def _readable(entries: Iterable[Entry]) -> Iterator[tuple[Entry, MarketData]]:
    for entry in entries:
        try:
            trade = entry.read()
        except BadMessage:
            continue
        if isinstance(trade, MarketData):
            yield entry, trade
