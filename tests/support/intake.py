"""A running collector, and requests of any kind for its OTLP ports."""

import http.client
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import grpc
import yaml
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.metrics.v1 import metrics_pb2
from prometheus_client.parser import text_string_to_metric_families

from cdb.running.native import Stack, StackConfig, select
from cdb.running.native.collector import FILES
from tests.support.paths import ROOT

METRIC: Final = "cdb_signals_evaluated_total"
PATHS: Final = {"metrics": "/v1/metrics", "traces": "/v1/traces"}
METHODS: Final = {
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
}
_PROTOBUF: Final = {"content-type": "application/x-protobuf"}
_HTTP_COUNT: Final = "http_server_request_duration_count"
_GRPC_COUNT: Final = "rpc_server_call_duration_count"


class Intake:
    """A running collector: send to it, read its exposition, read its own counters."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ports = stack.config.ports
        self.token = {"authorization": f"Bearer {stack.config.environment['CDB_OTLP_TOKEN']}"}

    def over_http(self, body: bytes, headers: Mapping[str, str], *, signal: str = "metrics") -> str:
        """Status of a POST; "closed" if the collector hangs up before it has read *body*."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.ports.otlp_http, timeout=30)) as connection:
            try:
                connection.request("POST", PATHS[signal], body, {**_PROTOBUF, **headers})
                return str(connection.getresponse().status)
            except ConnectionError:
                return "closed"

    def over_grpc(self, body: bytes, headers: Mapping[str, str], *, signal: str = "metrics") -> str:
        """Status of a call with *body* as its message; a header "content-encoding" compresses it."""
        zipped = grpc.Compression.Gzip if "content-encoding" in headers else grpc.Compression.NoCompression
        metadata = tuple((name, value) for name, value in headers.items() if name == "authorization")
        with grpc.insecure_channel(f"127.0.0.1:{self.ports.otlp_grpc}") as channel:
            call = channel.unary_unary(METHODS[signal])
            try:
                call(body, metadata=metadata, compression=zipped, timeout=30, wait_for_ready=True)
            except grpc.RpcError as error:
                return str(error.code().name)
        return "OK"

    def counted(self, protocol: str, status: str) -> float:
        """Number of requests answered with *status*, from the collector's own telemetry."""
        name, label = {
            "http": (_HTTP_COUNT, "http_response_status_code"),
            "grpc": (_GRPC_COUNT, "rpc_response_status_code"),
        }[protocol]
        return self.own(name, **{label: status})

    def own(self, sample: str, **labels: str) -> float:
        """Sum of the collector's own samples called *sample* that carry *labels*.

        A counter's name ends in _total here, even where the collector leaves that out.
        """
        return sum(
            value
            for found, has, value in self._page(self.ports.collector_telemetry)
            if found == sample and labels.items() <= has.items()
        )

    def shown(self, instance: str) -> float | None:
        """Exposed value of the metric that `a_request` sends for *instance*; None if there is none."""
        return next(
            (
                v
                for name, has, v in self._page(self.ports.exposition)
                if name == METRIC and has.get("instance") == instance
            ),
            None,
        )

    def series_of(self, instance: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """Exposed series of *instance*: name and labels."""
        page = self._page(self.ports.exposition)
        return {(name, frozenset(has.items())) for name, has, _ in page if has.get("instance") == instance}

    def pid(self) -> int | None:
        return self.stack.pid_of("otel_collector")

    def _page(self, port: int) -> list[tuple[str, dict[str, str], float]]:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("GET", "/metrics")
                text = connection.getresponse().read().decode()
        except ConnectionError:  # it is still starting
            return []
        families = text_string_to_metric_families(text)
        return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


def a_request(instance: str, *, value: int = 1, ballast: int = 0) -> bytes:
    """Valid request of *instance* with one counter's point; *ballast* bytes make it longer."""
    request = metrics_pb.ExportMetricsServiceRequest()
    sent = request.resource_metrics.add()
    attributes = {"service.namespace": "cdb", "service.name": "cdb_risk", "service.instance.id": instance}
    for key, text in {**attributes, "ballast": "x" * ballast}.items():
        sent.resource.attributes.add(key=key).value.string_value = text
    metric = sent.scope_metrics.add().metrics.add(name="cdb.signals.evaluated", unit="{signal}")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
    point = metric.sum.data_points.add(as_int=value, start_time_unix_nano=1, time_unix_nano=2)
    point.attributes.add(key="symbol").value.string_value = "BTCUSDT"
    return bytes(request.SerializeToString())


def some_spans(number: int) -> bytes:
    """Valid request with *number* spans."""
    request = trace_pb.ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for index in range(number):
        scope.spans.add(name="flood", trace_id=b"t" * 16, span_id=index.to_bytes(8, "big"))
    return bytes(request.SerializeToString())


@contextmanager
def running_collector(state: Path, root: Path = ROOT) -> Iterator[Intake]:
    """Run a collector with the configuration in *root*, and remove it afterwards."""
    stack = Stack(StackConfig.isolated(root, state, parts=select(("otel_collector",))))
    try:
        with stack:
            yield Intake(stack)
    finally:
        stack.remove()


def with_changed_configuration(place: Path, changes: Mapping[tuple[str, str], object]) -> Path:
    """Create a root in *place* with the collector's configuration; *changes* is by section and name."""
    folder = place / "otel-collector"
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / "otel-collector" / name, folder)
    settings = yaml.safe_load((folder / FILES[0]).read_text(encoding="utf-8"))
    for (section, name), value in changes.items():
        assert name in settings[section], f"{FILES[0]} has no {name} among its {section}"
        settings[section][name] = value
    (folder / FILES[0]).write_text(yaml.safe_dump(settings), encoding="utf-8")
    return place
