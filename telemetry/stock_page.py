"""The /metrics page as opentelemetry-exporter-prometheus writes it (CDB_TELEMETRY_RECORDING=sdk), to compare ours with.

It derives names from units (cdb_drawdown_daily_percent), and leaves out _sum and _count of a histogram with a negative
bucket. What Prometheus reads from the collector has the contract's names all the same.
"""

from __future__ import annotations

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import generate_latest
from prometheus_client.core import Metric

from telemetry.readers import registry_of_the_process


class StockPage(PrometheusMetricReader):
    """A reader whose points are read as a page."""

    def __init__(self) -> None:
        self._page = registry_of_the_process()
        super().__init__(registry=self._page)

    def text(self) -> bytes:
        """Collect now and write the page."""
        return generate_latest(self._page)

    def families(self) -> list[Metric]:
        """What the page shows."""
        return [*self._page.collect()]
