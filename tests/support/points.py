"""Metric points for the collector, made by hand and sent by the SDK: valid ones, and every way to be wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import (
    Metric as MetricData,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from telemetry.contract import Contract, Metric
from tests.support.bot import INSTANCES
from tests.support.collectors import TOKEN

Requests = Mapping[str, list[MetricData]]
"""Metrics by the service that sends them."""

_START: Final = 1_700_000_000_000_000_000
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_DELTA: Final = AggregationTemporality.DELTA


def send(endpoint: str, requests: Requests) -> None:
    """Send all in one request; fails if the collector refuses it."""
    exporter = OTLPMetricExporter(endpoint=endpoint, headers=(("authorization", f"Bearer {TOKEN}"),), timeout=10)
    try:
        resources = [ResourceMetrics(_resource(service), [_scope(sent)], "") for service, sent in requests.items()]
        assert exporter.export(MetricsData(resources)) is MetricExportResult.SUCCESS
    finally:
        exporter.shutdown()


def all_wrong(contract: Contract) -> Iterator[tuple[str, MetricData]]:
    """Yield invalid points for every metric of the contract, each with a description of its fault."""
    for metric in contract.metrics:
        for what, sent in (*_wrong(metric), *_wrong_labels(metric)):
            yield f"{metric.otel}: {what}", sent


def _wrong_labels(metric: Metric) -> Iterator[tuple[str, MetricData]]:
    labels = _labels(metric)
    yield "a label too many", point(metric, {**labels, "extra": "x"})
    for label in labels:
        others = {name: value for name, value in labels.items() if name != label}
        yield f"no {label}", point(metric, others)
        yield f"another label for {label}", point(metric, {**others, "another": "x"})


def _wrong(metric: Metric) -> Iterator[tuple[str, MetricData]]:
    yield "a longer name", point(metric, name=f"{metric.otel}.more")
    for kind in {"counter", "gauge", "histogram"} - {metric.type}:
        yield f"a {kind}", point(metric, kind=kind)
    if metric.type == "counter":
        yield "a sum that may fall", _with(point(metric), is_monotonic=False)
    if metric.type != "gauge":
        yield "changes instead of totals", _with(point(metric), aggregation_temporality=_DELTA)
    if metric.type == "histogram":
        for bounds in (metric.buckets[1:], (*metric.buckets, 1e9), (*metric.buckets[:-1], 1e9)):
            yield f"bounds {bounds}", point(metric, bounds=bounds)


def point(
    metric: Metric,
    labels: Mapping[str, str] | None = None,
    *,
    kind: str | None = None,
    bounds: tuple[float, ...] | None = None,
    name: str | None = None,
) -> MetricData:
    """One series of *metric* as the contract has it, but for the arguments given and the help text."""
    attributes = _labels(metric) if labels is None else labels
    number = NumberDataPoint(attributes, _START, _START + 1, 1.0)
    data: Sum | Gauge | Histogram
    match kind or metric.type:
        case "counter":
            data = Sum([number], _CUMULATIVE, is_monotonic=True)
        case "gauge":
            data = Gauge([number])
        case _:
            data = Histogram([_histogram(attributes, metric.buckets if bounds is None else bounds)], _CUMULATIVE)
    return MetricData(name or metric.otel, "as the sender describes it", metric.unit, data)


def _labels(metric: Metric) -> dict[str, str]:
    combined = metric.combinations[0] if metric.combinations else {}
    return {label: combined.get(label) or (metric.values[label] or ("BTCUSDT",))[0] for label in metric.labels}


def _histogram(attributes: Mapping[str, str], bounds: tuple[float, ...]) -> HistogramDataPoint:
    counts = [1] * (len(bounds) + 1)
    return HistogramDataPoint(attributes, _START, _START + 1, len(counts), 1.0, counts, bounds, 0.0, 1.0)


def _with(metric: MetricData, **change: object) -> MetricData:
    return replace(metric, data=replace(metric.data, **change))  # type: ignore[arg-type]


def _scope(metrics: list[MetricData]) -> ScopeMetrics:
    return ScopeMetrics(InstrumentationScope("tests.system.contract"), metrics, "")


def _resource(service: str) -> Resource:
    return Resource({"service.namespace": "cdb", "service.name": service, "service.instance.id": INSTANCES[service]})
