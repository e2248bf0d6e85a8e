"""cdb_execution: `python -m services.execution`."""

from services import topology
from services.execution import report
from services.execution.handlers import ExecutionHandler
from services.execution.market import NextTrades
from services.execution.settings import ExecutionSettings
from services.execution.store import ExecutionStore
from services.runtime.consumer import Consumer
from services.runtime.faults import Faults
from services.runtime.process import Process
from services.runtime.web import add_faults_endpoint
from services.settings import load


def main() -> None:
    """Build everything from the environment and fill orders until told to stop."""
    settings = load(ExecutionSettings)
    process = Process.begin(topology.EXECUTION, settings)
    faults = Faults()
    store = ExecutionStore(process.ledger("fill", writer=True))
    market = NextTrades(process.bus()) if settings.is_live else None
    handler = ExecutionHandler(store, settings.venue, clock=process.clock, faults=faults, market=market)
    consumer = Consumer(process.bus(only=True), handler, process.state, on_error=report.error)
    process.run(consumer, add_test_endpoints=lambda app: add_faults_endpoint(app, faults.order))


if __name__ == "__main__":
    main()
