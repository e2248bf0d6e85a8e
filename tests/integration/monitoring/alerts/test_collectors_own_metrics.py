"""The collector's own metrics that alerts ask for are there under these names and with these labels."""

import re
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from cdb.check.known_metrics import load
from telemetry.contract import load_contract
from tests.support.collectors import Collector, fetch, running_collector
from tests.support.paths import ROOT
from tests.support.points import all_wrong, send
from tests.support.waiting import until

pytestmark = pytest.mark.integration

WANTED = {
    "otelcol_processor_filter_datapoints_filtered",
    "otelcol_receiver_refused_metric_points",
    "rpc_server_call_duration_count",
    "http_server_request_duration_count",
}
"""The others are not there before something fails that a test cannot bring about."""


def own_metrics(collector: Collector) -> dict[str, tuple[set[str], float]]:
    """Labels and the largest value of each sample's name."""
    found: dict[str, tuple[set[str], float]] = {}
    text = fetch(collector.ports.collector_telemetry, "/metrics")  # the parser of prometheus_client would add _total
    for name, listed, number in re.findall(r"^(\w+)(?:{(.*)})? (\S+)$", text, flags=re.MULTILINE):
        labels, value = found.get(name, (set(), 0.0))
        found[name] = (labels | set(re.findall(r'(\w+)="', listed)), max(value, float(number)))
    return found


def test_collector_counts_what_it_filters_and_rejects_under_the_names_that_alerts_ask_for(tmp_path: Path) -> None:
    with running_collector(tmp_path / "log") as collector:
        url = f"http://127.0.0.1:{collector.ports.otlp_http}/v1/metrics"
        send(collector.endpoint, {"cdb_ws": [sent for _, sent in all_wrong(load_contract())][:5]})
        with pytest.raises(HTTPError, match="401"):
            urlopen(Request(url, data=b"x", headers={"Content-Type": "application/x-protobuf"}), timeout=5)
        with (
            grpc.insecure_channel(f"127.0.0.1:{collector.ports.otlp_grpc}") as channel,
            pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"),
        ):
            TraceServiceStub(channel).Export(ExportTraceServiceRequest())  # type: ignore[no-untyped-call]
        shown = until(lambda: own_metrics(collector), holds=lambda seen: seen.keys() >= WANTED, what="its own metrics")
    listed = load(ROOT, load_contract()).metrics
    for name in WANTED:
        assert shown[name][0] >= listed[name].labels.keys() - {"job", "instance"}, name
    assert shown["otelcol_processor_filter_datapoints_filtered"][1] == 5
