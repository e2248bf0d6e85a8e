"""Readers: one exports to the collector over OTLP, one feeds the service's own /metrics. Both show the same points.

The SDK has no observable histogram, so the readers add the recorder's histograms in _receive_metrics, which is
documented for overriding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from threading import Event
from time import monotonic
from typing import Any, Final

from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.export import Metric as MetricData
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import Metric as Exposed
from prometheus_client.registry import Collector

from telemetry.contract import Metric
from telemetry.recorder import Recorder

STOPPED_SECONDS: Final = 2.0
"""A timer that is late by more was not the timer's fault."""
_INFINITY: Final = float("inf")


class LocalReader(InMemoryMetricReader):
    """Collects on request; leaves exemplars to the exporting reader."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        super()._receive_metrics(_joined(metrics_data, self._recorder.histograms(drain=False)), timeout_millis)


class ExportingReader(PeriodicExportingMetricReader):
    """Collects and exports at an interval, with exemplars, while *reports* is set.

    A process that was stopped and goes on does not know yet whether another has reported in its place meanwhile: it
    leaves out one export.
    """

    def __init__(
        self, recorder: Recorder, exporter: MetricExporter, interval_seconds: float, *, reports: Event
    ) -> None:
        self._recorder = recorder
        self._reports = reports
        self._interval_seconds = interval_seconds
        self._last_end = monotonic()
        super().__init__(exporter, export_interval_millis=interval_seconds * 1000)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        was_stopped = monotonic() - self._last_end > self._interval_seconds + STOPPED_SECONDS
        if self._reports.is_set() and not was_stopped:
            super()._receive_metrics(_joined(metrics_data, self._recorder.histograms(drain=True)), timeout_millis)
        self._last_end = monotonic()


def _joined(data: MetricsData, histograms: Sequence[MetricData]) -> MetricsData:
    """Add *histograms* to the scope of *data*; the only meter makes one resource with one scope."""
    resource = data.resource_metrics[0]
    scope = resource.scope_metrics[0]
    joined = replace(scope, metrics=[*scope.metrics, *histograms])
    return MetricsData([replace(resource, scope_metrics=[joined, *resource.scope_metrics[1:]])])


def registry_of_the_process() -> CollectorRegistry:
    """A registry that shows what a process is, as every page of /metrics does."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


class Exposition(Collector):
    """Page of a LocalReader's points in Prometheus' text format, under the contract's names.

    OpenTelemetry's own Prometheus reader derives names from units (cdb_drawdown_daily_percent), and drops _sum and
    _count of histograms with a negative bucket.
    """

    def __init__(self, reader: LocalReader, recorder: Recorder) -> None:
        self._reader: Final = reader
        self._recorder: Final = recorder
        self._registry = registry_of_the_process()
        self._registry.register(self)

    def text(self) -> bytes:
        """Collect now and write the page."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Exposed]:
        """Describe nothing, so that registering does not collect."""
        return ()

    def collect(self) -> Iterable[Exposed]:
        """Yield the service's own metrics, even without a label set, and any other that it has recorded."""
        data = self._reader.get_metrics_data()
        points = {
            metric.name: metric.data.data_points
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
        owned = self._recorder.contract.owned_by(self._recorder.service)
        for metric in self._recorder.contract.metrics:
            if metric in owned or metric.otel in points:
                yield _exposed(metric, points.get(metric.otel, ()))


def _exposed(metric: Metric, points: Iterable[Any]) -> Exposed:
    exposed = Exposed(metric.prometheus.removesuffix("_total"), metric.brief, metric.type)
    for point in points:
        labels = {label: point.attributes[label] for label in metric.labels}
        if isinstance(point, HistogramDataPoint):
            _add_histogram(exposed, labels, point)
        elif isinstance(point, NumberDataPoint):
            exposed.add_sample(metric.prometheus, labels, point.value)
    return exposed


def _add_histogram(exposed: Exposed, labels: dict[str, str], point: HistogramDataPoint) -> None:
    seen = 0
    for bound, count in zip((*point.explicit_bounds, _INFINITY), point.bucket_counts, strict=True):
        seen += count
        edge = "+Inf" if bound == _INFINITY else str(bound)
        exposed.add_sample(f"{exposed.name}_bucket", {**labels, "le": edge}, seen)
    exposed.add_sample(f"{exposed.name}_count", labels, point.count)
    exposed.add_sample(f"{exposed.name}_sum", labels, point.sum)
