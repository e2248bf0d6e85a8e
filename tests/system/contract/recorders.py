"""The four services' own recording, sent to a real collector from this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from telemetry.contract import Contract
from telemetry.pipeline import Telemetry, TelemetrySettings
from telemetry.recorder import Recorder
from tests.support.bot import INSTANCES
from tests.support.collectors import TOKEN, Collector

SYMBOLS = ("BTCUSDT", "ETHUSDT")
CONFIGURED = {
    "symbol": SYMBOLS,
    "source": ("simulated",),
    "strategy": ("momentum_v1",),
    "indicator_type": ("momentum", "volume"),
}
"""Values of the open labels, as the demo configures them."""
EXPECTED = {"exchange": ("paper",)}


@contextmanager
def recording(contract: Contract, collector: Collector) -> Iterator[dict[str, Telemetry]]:
    """Start every service's telemetry by *contract*. What is sent is only the first export, for an hour."""
    running = {
        service: Telemetry(
            Recorder(contract),
            service=service,
            configured=CONFIGURED,
            expected=EXPECTED,
            settings=TelemetrySettings(
                otlp_endpoint=collector.endpoint,
                otlp_token=TOKEN,
                instance_id=instance,
                export_interval_seconds=3600,
            ),
        )
        for service, instance in INSTANCES.items()
    }
    try:
        yield running
    finally:
        for telemetry in running.values():
            telemetry.shutdown()
