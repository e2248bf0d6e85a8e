"""cdb_core: `python -m services.core`."""

from services.core.handlers import CoreHandler
from services.core.settings import CoreSettings
from services.runtime.consumer import Consumer
from services.runtime.faults import Faults
from services.runtime.process import Process
from services.runtime.web import add_faults_endpoint
from services.settings import load
from telemetry import metrics


def main() -> None:
    """Build everything from the environment and watch the market until told to stop."""
    settings = load(CoreSettings)
    process = Process.begin("cdb_core", settings, port=settings.port)
    faults = Faults()
    bus = process.bus()
    handler = CoreHandler(settings.momentum(), symbols=frozenset(settings.symbols), clock=process.clock, faults=faults)
    consumer = Consumer(
        bus,
        handler,
        pulse=process.pulse,
        stop=process.stop,
        prepare=lambda: handler.rebuild(bus),
        on_error=lambda error_type: metrics.signal_errors.labels(error_type=error_type).inc(),
    )
    process.run(consumer, {"redis": process.bus().ping}, lambda app: add_faults_endpoint(app, faults.order))


if __name__ == "__main__":
    main()
