"""cdb_execution: `python -m services.execution`."""

from services.execution.handlers import ExecutionHandler
from services.execution.settings import ExecutionSettings
from services.execution.store import ExecutionStore
from services.runtime.consumer import Consumer
from services.runtime.faults import Faults
from services.runtime.process import Process
from services.runtime.web import add_faults_endpoint
from services.settings import load
from telemetry import metrics


def main() -> None:
    """Build everything from the environment and fill orders until told to stop."""
    settings = load(ExecutionSettings)
    process = Process.begin("cdb_execution", settings, port=settings.port)
    faults = Faults()
    store = ExecutionStore(process.ledger(settings, "fill", writer=True))
    handler = ExecutionHandler(store, settings.venue(), clock=process.clock, faults=faults)
    process.run(
        Consumer(
            process.bus(),
            handler,
            pulse=process.pulse,
            stop=process.stop,
            on_error=lambda error_type: metrics.execution_errors.labels(error_type=error_type).inc(),
        ),
        {"redis": process.bus().ping, "ledger": process.ledger(settings, "health").ping},
        lambda app: add_faults_endpoint(app, faults.order),
    )


if __name__ == "__main__":
    main()
