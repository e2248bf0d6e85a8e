"""The four services' own recording, sent to a real collector from this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

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
def recording(
    contract: Contract, collector: Collector, *, nothing_absent: bool = True
) -> Iterator[dict[str, Telemetry]]:
    """Start every service's telemetry by *contract*. What is sent is only the first export, for an hour.

    *nothing_absent*: what is absent without a value has one.
    """
    running = {
        service: Telemetry(
            _recorder(contract, service if nothing_absent else None),
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


def _recorder(contract: Contract, service: str | None) -> Recorder:
    recorder = Recorder(contract)
    for metric in contract.owned_by(service) if service else ():
        if metric.absent:
            choices = [metric.values[label] or CONFIGURED[label] for label in metric.labels]
            for values in product(*choices):
                handle = getattr(recorder, metric.type)(metric.prometheus).bind(values)
                getattr(handle, {"counter": "inc", "gauge": "set", "histogram": "observe"}[metric.type])(1)
    return recorder
