"""What the collector does not want it refuses, counts, and survives.

A refusal before the pipelines shows in no otelcol_receiver_refused_* figure: only the servers' own counts have it.
"""

import gzip
import os
import signal
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import pytest

from telemetry.pipeline import TelemetrySettings
from tests.support.intake import (
    METRIC,
    Intake,
    a_request,
    running_collector,
    some_spans,
    with_changed_configuration,
)
from tests.support.waiting import until
from tests.unit.telemetry.isolated import Isolated

pytestmark = pytest.mark.integration

TEN_MB = 10_000_000
NO_PROTOBUF = b"\xff" * 64


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    with running_collector(tmp_path_factory.mktemp("collector")) as collector:
        yield collector


class Refusal(NamedTuple):
    """How something is sent, and the status that its sender is told and that it is counted under.

    *token*: "right", "wrong" or "none". *body*: None is a right request. *cut_off*: the collector hangs up while its
    sender still writes, who may then not get to read the status.
    """

    protocol: str
    status: str
    token: str = "right"
    body: bytes | None = None
    ballast: int = 0
    content_type: str = "application/x-protobuf"
    zipped: bool = False
    cut_off: bool = False


REFUSALS = {
    "http, no token": Refusal("http", "401", token="none"),
    "http, wrong token": Refusal("http", "401", token="wrong"),
    "http, no protobuf": Refusal("http", "400", body=NO_PROTOBUF),
    "http, no JSON": Refusal("http", "400", body=b"{not JSON", content_type="application/json"),
    "http, neither": Refusal("http", "415", body=b"up 1", content_type="text/plain"),
    "http, 10 MB": Refusal("http", "400", cut_off=True, ballast=TEN_MB),
    "http, 10 MB, no token": Refusal("http", "401", cut_off=True, ballast=TEN_MB, token="none"),
    "http, 10 MB in a small zip": Refusal("http", "400", ballast=TEN_MB, zipped=True),
    "grpc, no token": Refusal("grpc", "UNAUTHENTICATED", token="none"),
    "grpc, wrong token": Refusal("grpc", "UNAUTHENTICATED", token="wrong"),
    # gRPC reads a message before it asks who sent it: these look the same with and without a token.
    "grpc, no protobuf": Refusal("grpc", "INTERNAL", body=NO_PROTOBUF),
    "grpc, no protobuf, no token": Refusal("grpc", "INTERNAL", body=NO_PROTOBUF, token="none"),
    "grpc, 10 MB": Refusal("grpc", "RESOURCE_EXHAUSTED", ballast=TEN_MB),
    "grpc, 10 MB, no token": Refusal("grpc", "RESOURCE_EXHAUSTED", ballast=TEN_MB, token="none"),
    "grpc, 10 MB in a small zip": Refusal("grpc", "RESOURCE_EXHAUSTED", ballast=TEN_MB, zipped=True),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_what_is_not_wanted_is_refused_and_counted_and_the_collector_lives_on(intake: Intake, refusal: Refusal) -> None:
    pid, before, instance = intake.pid(), intake.counted(refusal.protocol, refusal.status), f"refused-{uuid4()}"

    assert send(intake, refusal, instance) in {refusal.status, "closed" if refusal.cut_off else refusal.status}

    until(
        lambda: intake.counted(refusal.protocol, refusal.status),
        holds=lambda now: now == before + 1,
        what=f"one more {refusal.status} on the collector's telemetry page, after {before:g},",
    )
    takes_right_requests(intake)
    assert intake.pid() == pid
    assert intake.shown(instance) is None


def test_when_spans_fill_the_memory_metrics_still_come_through(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A limit that is always passed stands for the flood: only the traces' own limiter may refuse."""
    limits = {"check_interval": "1s", "limit_mib": 2, "spike_limit_mib": 1}
    root = with_changed_configuration(
        tmp_path_factory.mktemp("root"), {("processors", "memory_limiter/traces"): limits}
    )
    with running_collector(tmp_path_factory.mktemp("flooded"), root) as intake:
        spans = some_spans(1000)
        until(
            lambda: intake.over_http(spans, intake.token, signal="traces"),
            holds=lambda told: told == "503",
            what="a refusal of spans",
        )
        assert intake.over_grpc(spans, intake.token, signal="traces") == "UNAVAILABLE"
        takes_right_requests(intake)
        assert intake.own("otelcol_receiver_refused_spans_total") >= 2000
        assert intake.own("otelcol_receiver_accepted_metric_points_total") == 2
        assert intake.own("otelcol_receiver_refused_metric_points_total") == 0


def test_after_a_killed_collector_the_next_export_brings_every_series_back(intake: Intake) -> None:
    instance = f"service-{uuid4()}"
    service = Isolated(
        settings=TelemetrySettings(
            otlp_endpoint=f"http://127.0.0.1:{intake.ports.otlp_grpc}",
            otlp_token=intake.stack.config.environment["CDB_OTLP_TOKEN"],
            instance_id=instance,
            export_interval_seconds=1,
        )
    )
    counter = service.recorder.counter(METRIC).bind(("BTCUSDT",))
    try:
        counter.inc(3)
        until(lambda: intake.shown(instance), holds=lambda seen: seen == 3, what="the first export")
        series, old = intake.series_of(instance), intake.pid()
        assert old is not None
        os.kill(old, signal.SIGKILL)
        counter.inc(4)
        until(intake.pid, holds=lambda now: now not in {None, old}, what="a new collector")
        until(lambda: intake.shown(instance), holds=lambda seen: seen == 7, what="the count before and after")
        assert intake.series_of(instance) == series
    finally:
        service.telemetry.shutdown()


def send(intake: Intake, refusal: Refusal, instance: str) -> str:
    """Send it and return what its sender is told."""
    tokens = {"right": intake.token, "wrong": {"authorization": "Bearer not-the-token"}, "none": {}}
    headers = {**tokens[refusal.token], "content-type": refusal.content_type}
    body = a_request(instance, ballast=refusal.ballast) if refusal.body is None else refusal.body
    if refusal.zipped:
        headers["content-encoding"] = "gzip"
    if refusal.protocol == "grpc":
        return intake.over_grpc(body, headers)
    return intake.over_http(gzip.compress(body) if refusal.zipped else body, headers)


def takes_right_requests(intake: Intake) -> None:
    """Fail unless a right request arrives, on both ways in."""
    for over, well in ((intake.over_http, "200"), (intake.over_grpc, "OK")):
        instance = f"right-{uuid4()}"
        assert over(a_request(instance, value=7), intake.token) == well
        assert intake.shown(instance) == 7
