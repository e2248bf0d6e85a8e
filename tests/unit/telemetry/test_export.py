"""What leaves the process over OTLP, received by a real gRPC server; and that an absent one is in nobody's way."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import NumberDataPoint
from opentelemetry.sdk.trace import TracerProvider

from cdb.running.native import Ports
from telemetry import pipeline
from telemetry.contract import load_contract
from telemetry.handles import EXEMPLAR_ATTRIBUTE
from telemetry.pipeline import TelemetrySettings
from telemetry.readers import LocalReader
from telemetry.recorder import Recorder
from tests.support.waiting import until
from tests.unit.telemetry.isolated import Isolated


@dataclass
class Received:
    metrics: list[Any] = field(default_factory=list)
    spans: list[Any] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    endpoint: str = ""

    def exemplars(self, name: str) -> list[Any]:
        return [
            exemplar
            for metric in self.metrics
            if metric.name == name
            for point in metric.histogram.data_points
            for exemplar in point.exemplars
        ]


@pytest.fixture
def received() -> Iterator[Received]:
    """Run an OTLP receiver on a free port."""
    with receiving(0) as log:
        yield log


@contextmanager
def receiving(port: int) -> Iterator[Received]:
    """Run an OTLP receiver on *port*, 0 for a free one."""
    log = Received()

    class Metrics(metrics_grpc.MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
            log.tokens.update(value for key, value in context.invocation_metadata() if key == "authorization")
            for resource in request.resource_metrics:
                log.metrics.extend(metric for scope in resource.scope_metrics for metric in scope.metrics)
            return metrics_pb.ExportMetricsServiceResponse()

    class Traces(trace_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
            for resource in request.resource_spans:
                named = {item.key: item.value.string_value for item in resource.resource.attributes}
                log.spans.extend((named, span) for scope in resource.scope_spans for span in scope.spans)
            return trace_pb.ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    metrics_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)  # type: ignore[no-untyped-call]
    trace_grpc.add_TraceServiceServicer_to_server(Traces(), server)  # type: ignore[no-untyped-call]
    log.endpoint = f"http://127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    yield log
    server.stop(None).wait()


def _exporting(endpoint: str, interval: float = 60) -> Isolated:
    settings = TelemetrySettings(
        otlp_endpoint=endpoint,
        otlp_token="secret-token",
        instance_id="cdb_risk:8002",
        export_interval_seconds=interval,
    )
    return Isolated("cdb_risk", settings=settings)


def _until(seen: Callable[[], Any], what: str) -> Any:
    deadline = monotonic() + 10
    while not (found := seen()):
        assert monotonic() < deadline, f"{what}: not seen within 10 s"
        sleep(0.02)
    return found


def test_zeros_are_exported_at_once_with_the_token(received: Received) -> None:
    box = _exporting(received.endpoint)
    _until(lambda: received.metrics, "the first export")
    exported = {metric.name: metric for metric in received.metrics}
    assert exported["cdb.drawdown.daily"].gauge.data_points[0].as_double == 0
    decisions = exported["cdb.risk.decision.duration"].histogram.data_points[0]
    assert (decisions.count, decisions.HasField("min"), decisions.HasField("max")) == (0, False, False)
    assert received.tokens == {"Bearer secret-token"}
    box.telemetry.shutdown()


def test_shutdown_delivers_what_was_recorded_last(received: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_PROVIDERS_SECONDS", 30.0)  # a busy machine may take longer than an end may
    box = _exporting(received.endpoint)
    box.metrics.orders_received.labels(symbol="BTCUSDT").inc(7)
    with box.telemetry.tracer_provider.get_tracer("test").start_as_current_span("risk.decide"):
        box.metrics.risk_decision_duration_seconds.observe(0.2)
    box.telemetry.shutdown()
    orders = [metric for metric in received.metrics if metric.name == "cdb.orders.received"][-1]
    assert orders.sum.data_points[0].as_double == 7
    assert orders.sum.is_monotonic
    ((resource, span),) = received.spans
    assert span.name == "risk.decide"
    assert resource["service.name"] == "cdb_risk"
    assert resource["service.instance.id"] == "cdb_risk:8002"


def test_first_value_per_bucket_and_interval_is_an_exemplar_and_marks_its_span(received: Received) -> None:
    box = _exporting(received.endpoint)
    _until(lambda: received.metrics, "the first export")
    tracer = box.telemetry.tracer_provider.get_tracer("test")
    box.metrics.risk_decision_duration_seconds.observe(0.2)  # no span: no exemplar
    for _ in range(2):
        with tracer.start_as_current_span("risk.decide"):
            box.metrics.risk_decision_duration_seconds.observe(0.2)
            box.page()  # a scrape takes no exemplar away
    box.telemetry.shutdown()
    (exemplar,) = received.exemplars("cdb.risk.decision.duration")
    marked = [span for _, span in received.spans if any(item.key == EXEMPLAR_ATTRIBUTE for item in span.attributes)]
    assert [span.trace_id for span in marked] == [exemplar.trace_id]
    assert exemplar.as_double == 0.2


def test_exemplars_start_anew_with_each_interval(received: Received) -> None:
    box = _exporting(received.endpoint, interval=0.1)
    tracer = box.telemetry.tracer_provider.get_tracer("test")

    def seen_twice() -> bool:
        with tracer.start_as_current_span("risk.decide"):
            box.metrics.risk_decision_duration_seconds.observe(0.2)
        return len({exemplar.trace_id for exemplar in received.exemplars("cdb.risk.decision.duration")}) >= 2

    _until(seen_twice, "a second exemplar of the same bucket")
    box.telemetry.shutdown()


def test_collecting_inside_a_span_makes_no_exemplar() -> None:
    recorder = Recorder(load_contract())
    reader = LocalReader(recorder)
    recorder.start(MeterProvider([reader], shutdown_on_exit=False).get_meter("cdb"), service="cdb_risk")
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("scrape"):
        data = reader.get_metrics_data()
    assert data is not None
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    points = [point for metric in metrics for point in metric.data.data_points]
    assert points
    assert not [point for point in points if isinstance(point, NumberDataPoint) and point.exemplars]


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """Accept connections and never answer: a collector that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_hanging_collector_delays_neither_start_nor_recording_nor_shutdown(silent_endpoint: str) -> None:
    ended = Event()

    def life() -> None:
        box = _exporting(silent_endpoint, interval=0.2)
        with box.telemetry.tracer_provider.get_tracer("test").start_as_current_span("risk.decide"):
            box.metrics.risk_decision_duration_seconds.observe(0.2)
        assert box.value("cdb_risk_decision_duration_seconds_count") == 1
        box.telemetry.shutdown()
        ended.set()

    Thread(target=life, daemon=True).start()
    assert ended.wait(4), "with a hanging collector a whole life took more than 4 s, of which shutdown may take 2"


def test_failed_exports_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    settings = TelemetrySettings(otlp_endpoint=closed, export_interval_seconds=0.1, export_timeout_seconds=0.3)
    box = Isolated("cdb_risk", settings=settings)
    _until(lambda: box.value("cdb_telemetry_export_failures_total", signal="metrics"), "a counted failure")
    box.telemetry.shutdown()


def test_spans_outlast_a_collector_that_is_away_for_longer_than_metrics_wait_for_it() -> None:
    """A total comes again with the next export, a span does not."""
    port = Ports.free().otlp_grpc
    settings = TelemetrySettings(
        otlp_endpoint=f"http://127.0.0.1:{port}", export_interval_seconds=1, export_timeout_seconds=3
    )
    box = Isolated("cdb_risk", settings=settings)
    box.telemetry.tracer_provider.get_tracer("test").start_span("risk.decide").end()
    until(
        lambda: box.value("cdb_telemetry_export_failures_total", signal="metrics"),
        holds=lambda count: (count or 0) >= 2,
        what="metrics that were given up twice",
    )
    with receiving(port) as log:
        until(lambda: log.spans, within_s=40, what="the span")
    assert [span.name for _, span in log.spans] == ["risk.decide"]
    assert box.value("cdb_telemetry_spans_lost_total", reason="export_failed") == 0
    box.telemetry.shutdown()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"otlp_endpoint": "127.0.0.1:4317"}, "must begin with http"),
        ({"export_interval_seconds": 0}, "export_interval_seconds 0 must be more than 0"),
        ({"export_timeout_seconds": -1}, "export_timeout_seconds -1 must be more than 0"),
    ],
)
def test_wrong_setting_is_refused_by_name(wrong: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TelemetrySettings(**wrong)


def test_token_is_not_in_the_settings_text() -> None:
    assert "secret-token" not in repr(TelemetrySettings(otlp_token="secret-token"))


def test_metrics_are_sent_only_while_this_process_reports_for_its_service(received: Received) -> None:
    """Two of one service have one name there: the one that waits would set all figures back."""
    reports = Event()
    settings = TelemetrySettings(otlp_endpoint=received.endpoint, export_interval_seconds=0.05, reports=reports)
    box = Isolated("cdb_risk", settings=settings)
    assert not received.metrics
    reports.set()
    _until(lambda: received.metrics, "an export of the one that works")
    reports.clear()
    box.metrics.orders_received.labels(symbol="BTCUSDT").inc(7)
    box.telemetry.shutdown()
    orders = [metric for metric in received.metrics if metric.name == "cdb.orders.received"]
    assert 7 not in [point.as_double for metric in orders for point in metric.sum.data_points]
