"""cdb_ws: `python -m services.ws`."""

import sys

from flask import Flask

from services import plugins, topology
from services.bus.trades import newest_trades
from services.runtime.process import Process
from services.settings import load
from services.topology import READERS
from services.ws import sources
from services.ws.endpoints import add_feed_page, add_scenarios
from services.ws.publisher import Publisher
from services.ws.settings import WsSettings
from services.ws.sources.port import Source, SourceRefused
from services.ws.trades import TradeCheck


def main() -> None:
    """Build everything from the environment and publish trades until told to stop."""
    settings = load(WsSettings)
    source = make_source(settings)
    process = Process.begin(topology.WS, settings)
    bus = process.bus(only=True)
    check = TradeCheck(settings.symbols, process.clock)
    publisher = Publisher(
        bus,
        source,
        check,
        process.state,
        clock=process.clock,
        readers=READERS if settings.lockstep else None,
        prepare=lambda: source.start_from(list(newest_trades(bus, most=source.remembers))),
        held=process.held().read,
    )
    garbage_bus = process.bus()

    def scenarios(app: Flask) -> None:
        add_scenarios(app, source, garbage_bus, symbols=lambda: check.symbols)

    process.run(publisher, add_pages=lambda app: add_feed_page(app, publisher.status), add_test_endpoints=scenarios)


def make_source(settings: WsSettings) -> Source:
    """Make the source that CDB_SOURCE names, or end the process with a line that says why not."""
    try:
        kind: type[Source] = plugins.find(sources, settings.source, "SOURCE", path=settings.plugin_path)
        return kind(load(kind.settings), settings.symbols)
    except plugins.UnknownPlugin as error:
        sys.stderr.write(f"CDB_SOURCE={settings.source!r} is refused: {error}\n")
    except SourceRefused as error:
        sys.stderr.write(f"{error}\n")
    raise SystemExit(2)


if __name__ == "__main__":
    main()
