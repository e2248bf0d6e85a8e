"""One recorder with its telemetry, apart from the process's own."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from telemetry.contract import load_contract
from telemetry.pipeline import Telemetry, TelemetrySettings
from telemetry.recorder import Recorder, Recording
from telemetry.recording_calls import Metrics

SYMBOLS = ("BTCUSDT", "ETHUSDT")

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Isolated:
    """A process's recording, in a box."""

    def __init__(
        self,
        service: str | None = "cdb_risk",
        symbols: tuple[str, ...] = SYMBOLS,
        recording: Recording = "fast",
        expected: Mapping[str, Collection[str]] | None = None,
        configured: Mapping[str, Sequence[str]] | None = None,
        settings: TelemetrySettings | None = None,
    ) -> None:
        self.recorder = Recorder(load_contract(), recording=recording)
        self.metrics = Metrics(self.recorder)
        self.telemetry = Telemetry(
            self.recorder,
            service=service,
            configured={"symbol": symbols, **(configured or {})},
            expected=expected,
            settings=settings or TelemetrySettings(),
        )

    def page(self) -> str:
        return self.telemetry.exposition().decode()

    def series(self) -> Series:
        """Every exposed series of the contract."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.page())
            for sample in family.samples
            if sample.name.startswith("cdb_")
        }

    def value(self, name: str, **labels: str) -> float | None:
        """One exposed value, None where there is no such series."""
        return self.series().get((name, frozenset(labels.items())))


@contextmanager
def isolated(
    service: str | None = "cdb_risk", symbols: tuple[str, ...] = SYMBOLS, recording: Recording = "fast"
) -> Iterator[Isolated]:
    box = Isolated(service, symbols, recording)
    yield box
    box.telemetry.shutdown()
