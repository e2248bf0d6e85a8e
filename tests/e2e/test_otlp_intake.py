"""What the collector refuses and counts: all without the token, what is no OTLP, what is too large; and it lives on.

Counted in its own telemetry (port 8888, level detailed), by status: HTTP in http_server_request_duration, gRPC in
rpc_server_call_duration. The receiver's own otelcol_receiver_refused_* stay 0, since nothing has reached it.
"""

import gzip
import http.client
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import time_ns
from typing import Final

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from cdb.stack import TRADING
from tests.e2e.watched import Values, Watched, summed, watched_bot
from tests.waiting import until

pytestmark = pytest.mark.e2e

GRPC_METHOD: Final = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
GARBAGE: Final = b"\xff\xfe this is no OTLP"
TEN_MB: Final = bytes(10_000_000)
COUNTED: Final = {"http": "http_server_request_duration_count", "grpc": "rpc_server_call_duration_count"}
STATUS: Final = {"http": "http_response_status_code", "grpc": "rpc_response_status_code"}


@dataclass(frozen=True)
class Request:
    """Something sent to the collector. *token* None: the right one; "": none at all."""

    body: bytes
    token: str | None = None
    squeezed: bool = False


REQUESTS: Final[dict[str, tuple[Request, dict[str, str]]]] = {
    "without a token": (Request(b"", token=""), {"http": "401", "grpc": "UNAUTHENTICATED"}),
    "with a wrong token": (Request(b"", token="wrong"), {"http": "401", "grpc": "UNAUTHENTICATED"}),
    "garbage": (Request(GARBAGE), {"http": "400", "grpc": "INTERNAL"}),
    "10 MB": (Request(TEN_MB), {"http": "400", "grpc": "RESOURCE_EXHAUSTED"}),
    "10 MB in 10 kB": (Request(TEN_MB, squeezed=True), {"http": "400", "grpc": "RESOURCE_EXHAUSTED"}),
    "10 MB without a token": (Request(TEN_MB, token=""), {"http": "401", "grpc": "RESOURCE_EXHAUSTED"}),
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Run what trades, and the collector."""
    with watched_bot(tmp_path_factory.mktemp("intake"), {}, parts=(*TRADING, "otel_collector")) as bot:
        yield bot


def by_http(watched: Watched, request: Request) -> str:
    """Send *request* and return the status; "closed" if the collector would not even hear it to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", watched.bot.stack.config.ports.otlp_http, timeout=10)
    headers = {**authorization(watched, request), "content-type": "application/x-protobuf"}
    body = request.body
    if request.squeezed:
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body)
    try:
        connection.request("POST", "/v1/metrics", body, headers)
        return str(connection.getresponse().status)
    except ConnectionError:
        return "closed"
    finally:
        connection.close()


def by_grpc(watched: Watched, request: Request) -> str:
    """Send *request* and return the status."""
    with grpc.insecure_channel(f"127.0.0.1:{watched.bot.stack.config.ports.otlp_grpc}") as channel:
        squeezing = grpc.Compression.Gzip if request.squeezed else grpc.Compression.NoCompression
        metadata = tuple(authorization(watched, request).items())
        try:
            channel.unary_unary(GRPC_METHOD)(request.body, metadata=metadata, timeout=10, compression=squeezing)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


WAYS: Final[Mapping[str, Callable[[Watched, Request], str]]] = {"http": by_http, "grpc": by_grpc}


def authorization(watched: Watched, request: Request) -> dict[str, str]:
    token = watched.bot.stack.config.environment["CDB_OTLP_TOKEN"] if request.token is None else request.token
    return {"authorization": f"Bearer {token}"} if token else {}


def a_good_request(value: float, instance: str) -> Request:
    """Say as *instance* how old the newest price is."""
    message = ExportMetricsServiceRequest()
    of_resource = message.resource_metrics.add()
    for name, text in (("service.namespace", "cdb"), ("service.name", "guest"), ("service.instance.id", instance)):
        of_resource.resource.attributes.append(KeyValue(key=name, value=AnyValue(string_value=text)))
    metric = of_resource.scope_metrics.add().metrics.add(name="cdb.market_data.staleness", unit="s")
    point = metric.gauge.data_points.add(time_unix_nano=time_ns(), as_double=value)
    point.attributes.append(KeyValue(key="source", value=AnyValue(string_value="exchange")))
    return Request(message.SerializeToString())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_refused_is_counted_and_the_collector_lives_on(watched: Watched, way: str, name: str) -> None:
    """The sender learns it, the operator can see it, and what follows is taken as before."""
    request, statuses = REQUESTS[name]
    pid = watched.bot.stack.pid_of("otel_collector")

    def refused() -> float:
        return summed(watched.collector_counts(COUNTED[way]), COUNTED[way], **{STATUS[way]: statuses[way]})

    before = refused()
    answer = WAYS[way](watched, request)
    assert answer in {statuses[way], "closed"}
    until(refused, holds=lambda now: now == before + 1, what=f"one more {statuses[way]} in {COUNTED[way]}")
    guest = f"{name} by {way}"
    assert WAYS[way](watched, a_good_request(42, guest)) in {"200", "OK"}
    until(
        lambda: summed(watched.exposed(), "cdb_data_staleness_seconds", instance=guest),
        holds=lambda seen: seen == 42,
        what="the value of a right request",
    )
    assert watched.bot.stack.pid_of("otel_collector") == pid


def test_services_are_heard_as_before_while_strangers_knock(watched: Watched) -> None:
    """Their series go on; nothing of what was refused is among them."""
    families = {name for name, _ in watched.exposed()}
    before = received(watched.exposed())
    for _ in range(3):
        for request, _statuses in REQUESTS.values():
            by_http(watched, request)
            by_grpc(watched, request)
    now = until(watched.exposed, holds=lambda seen: received(seen) > before, what="more trades")
    assert {name for name, _ in now} == families
    assert watched.bot.metric("cdb_core", "cdb_telemetry_export_failures_total") == 0


def received(values: Values) -> float:
    return summed(values, "cdb_market_data_received_total", source="simulated")
