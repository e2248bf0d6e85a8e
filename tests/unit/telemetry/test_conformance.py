"""The fast way of recording exports the same points as plain SDK instruments do."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, MetricsData, NumberDataPoint, Sum

from telemetry.contract import load_contract
from telemetry.generate.stock_names import stock_names
from telemetry.readers import LocalReader
from telemetry.recorder import Recorder, Recording
from tests.unit.telemetry.isolated import SYMBOLS, Isolated

METRICS = [metric for metric in load_contract().metrics if not metric.prometheus.startswith("cdb_telemetry_")]
VALUES = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.25, 0.625, -1000.0, 1000.0, float("nan"), float("inf")]),
    st.integers(-128_000, 128_000).map(lambda number: number / 64),
    st.integers(-128_000, 128_000).map(lambda number: Decimal(number) / 64),
)
"""Floats that add up exactly in whatever order: the SDK adds what came since its last collection as one sum."""
CALLS = st.lists(st.tuples(st.sampled_from(METRICS), st.integers(0, 3), VALUES), max_size=60)

Points = dict[tuple[str, str, str, frozenset[tuple[str, Any]]], tuple[Any, ...]]


def _points(data: MetricsData | None) -> Points:
    """What is exported, by metric and label set; histograms without a value only exist in the fast way."""
    assert data is not None
    points: Points = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        kind: tuple[Any, ...] = (type(metric.data).__name__,)
        if isinstance(metric.data, Sum | Histogram):
            kind += (metric.data.aggregation_temporality,)
        if isinstance(metric.data, Sum):
            kind += (metric.data.is_monotonic,)
        for point in metric.data.data_points:
            key = (
                metric.name,
                metric.unit or "",
                metric.description or "",
                frozenset((point.attributes or {}).items()),
            )
            assert key not in points, f"{key} is there twice"
            if isinstance(point, NumberDataPoint):
                points[key] = (*kind, point.value)
            elif isinstance(point, HistogramDataPoint) and point.count:
                shape = (tuple(point.bucket_counts), tuple(point.explicit_bounds), point.min, point.max)
                points[key] = (*kind, point.count, point.sum, *shape)
    return points


def _recorded(calls: list[tuple[Any, int, Any]], recording: Recording) -> list[Points]:
    """Make *calls* in this way of recording; return what a reader collects in the middle and at the end."""
    recorder = Recorder(load_contract(), recording=recording)
    reader = LocalReader(recorder)
    provider = MeterProvider([reader], views=recorder.views(), shutdown_on_exit=False)
    recorder.start(provider.get_meter("cdb"), service="cdb_risk", configured={"symbol": SYMBOLS})
    collected = []
    for number, (metric, choice, value) in enumerate(calls):
        values = [(metric.values[label] or SYMBOLS)[choice % 2 :][:1] or ("x",) for label in metric.labels]
        labels = tuple("unlisted" if choice == 3 else value[0] for value in values)
        if metric.type == "counter":
            recorder.counter(metric.prometheus).bind(labels).inc(value)
        elif metric.type == "histogram":
            recorder.histogram(metric.prometheus).bind(labels).observe(value)
        elif choice == 2:
            recorder.gauge(metric.prometheus).bind(labels).inc(value)
        else:
            recorder.gauge(metric.prometheus).bind(labels).set(value)
        if number == len(calls) // 2:
            collected.append(_points(reader.get_metrics_data()))
    return [*collected, _points(reader.get_metrics_data())]


@settings(max_examples=40, deadline=None)
@given(CALLS)
def test_both_ways_of_recording_export_the_same_points(calls: list[tuple[Any, int, Any]]) -> None:
    assert _recorded(calls, "fast") == _recorded(calls, "sdk")


def test_both_ways_ask_for_ages_at_collection_and_show_the_same_under_names_of_their_own() -> None:
    pages = []
    for recording in ("fast", "sdk"):
        box = Isolated(recording=recording)
        ages = iter([1.0, 2.0])
        handle = box.metrics.data_staleness_seconds.labels(source="simulated")
        box.page()
        handle.set_function(lambda ages=ages: next(ages))  # type: ignore[misc]
        box.metrics.record_trade("BTCUSDT", "SELL", pnl=-12.5)
        box.page()
        pages.append({series: value for series, value in box.series().items() if "_count" not in series[0] and value})
    shown = [page, stock] = [{key: value for key, value in page.items() if key[0].startswith("cdb_")} for page in pages]
    derived = stock_names(load_contract())
    of_otel = {("otel_scope_name", "cdb"), ("otel_scope_version", ""), ("otel_scope_schema_url", "")}
    theirs = {(_renamed(name, derived), labels | of_otel): value for (name, labels), value in page.items()}
    assert {key: value for key, value in theirs.items() if key in stock or "_sum" not in key[0]} == stock
    assert shown[0]["cdb_data_staleness_seconds", frozenset({("source", "simulated")})] == 2.0


def _renamed(name: str, derived: Mapping[str, str]) -> str:
    """The series called *name* as OpenTelemetry's reader calls it."""
    (ours,) = [one for one in derived if name in {one, f"{one}_bucket", f"{one}_sum"}]
    return name.replace(ours, derived[ours])
