"""cdb_core: `python -m services.core`."""

import sys
from collections.abc import Sequence
from functools import partial

from services import plugins, topology
from services.core import report, strategies
from services.core.handlers import CoreHandler
from services.core.settings import CoreSettings
from services.core.strategies.port import Strategy
from services.runtime.consumer import Consumer
from services.runtime.faults import Faults
from services.runtime.process import Process
from services.runtime.web import add_faults_endpoint
from services.settings import load


def main() -> None:
    """Build everything from the environment and watch the market until told to stop."""
    settings = load(CoreSettings)
    found = find_strategies(settings.strategies, settings.plugin_path)
    chosen = [partial(strategy, load(strategy.settings)) for strategy in found]
    process = Process.begin(
        topology.CORE,
        settings,
        configured={
            "strategy": [strategy.name for strategy in found],
            "indicator_type": [indicator for strategy in found for indicator in strategy.indicators],
        },
    )
    faults = Faults()
    bus = process.bus(only=True)
    handler = CoreHandler(
        chosen,
        symbols=frozenset(settings.symbols),
        clock=process.clock,
        faults=faults,
        held=process.held().read,
    )
    consumer = Consumer(bus, handler, process.state, prepare=lambda: handler.rebuild(bus), on_error=report.error)
    process.run(consumer, add_test_endpoints=lambda app: add_faults_endpoint(app, faults.order))


def find_strategies(names: Sequence[str], path: str = "") -> list[type[Strategy]]:
    """Find the strategies of CDB_STRATEGIES, or end the process with a line that says what there is."""
    try:
        return [plugins.find(strategies, name, "STRATEGY", path=path) for name in names]
    except plugins.UnknownPlugin as error:
        sys.stderr.write(f"CDB_STRATEGIES={','.join(names)!r} is refused: {error}\n")
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
