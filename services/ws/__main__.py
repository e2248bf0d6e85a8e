"""cdb_ws: `python -m services.ws`."""

import sys
from decimal import Decimal

from flask import Flask

from services.bus.streams import Bus
from services.messages import FILLS, MARKET_DATA, ORDERS, SIGNALS, BadMessage, MarketData, decode
from services.runtime.process import Process
from services.settings import load
from services.ws.endpoints import add_feed_page, add_scenarios
from services.ws.publisher import Publisher
from services.ws.settings import WsSettings
from services.ws.sources import ReplaySource, SimulatedSource, Source
from services.ws.trades import TradeCheck

READERS = {
    MARKET_DATA: ("cdb_core", "cdb_risk"),
    SIGNALS: ("cdb_risk",),
    ORDERS: ("cdb_execution",),
    FILLS: ("cdb_risk",),
}
RECENT = 2_000


def main() -> None:
    """Build everything from the environment and publish trades until told to stop."""
    settings = load(WsSettings)
    process = Process.begin("cdb_ws", settings, port=settings.port)
    bus = process.bus()
    source = _source(settings)
    publisher = Publisher(
        bus,
        source,
        TradeCheck(settings.symbols, process.clock),
        clock=process.clock,
        pulse=process.pulse,
        stop=process.stop,
        readers=READERS if settings.lockstep else None,
        prepare=lambda: _go_on(source, bus),
    )
    garbage_bus = process.bus()

    def scenarios(app: Flask) -> None:
        add_scenarios(app, source, garbage_bus, symbols=settings.symbols)

    process.run(
        publisher,
        {"redis": process.bus().ping},
        scenarios,
        add_pages=lambda app: add_feed_page(app, publisher.status),
    )


def _source(settings: WsSettings) -> Source:
    if settings.source == "replay":
        if settings.replay_file is None:
            sys.exit("CDB_REPLAY_FILE is not set: CDB_SOURCE=replay needs a file of trades")
        return ReplaySource(settings.replay_file, speed=settings.replay_speed)
    return SimulatedSource(settings.symbols, settings.market(), seed=settings.seed, pace=settings.pace)


def _go_on(source: Source, bus: Bus) -> None:
    """Have a simulated market go on from the prices on the bus, so that a restart is no jump."""
    prices: dict[str, Decimal] = {}
    for entry in bus.newest(MARKET_DATA, count=RECENT):
        try:
            trade = decode(MARKET_DATA, entry.data or b"")
        except BadMessage:
            continue
        if isinstance(trade, MarketData):
            prices[trade.symbol] = trade.price
    if isinstance(source, SimulatedSource):
        source.start_from(prices)


if __name__ == "__main__":
    main()
