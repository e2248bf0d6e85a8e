"""A real collector and a real Jaeger: send traces made by hand, and read what was stored."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.trace.v1 import trace_pb2

from cdb.running.native import Stack, StackConfig, select
from tests.support.intake import Intake
from tests.support.paths import ROOT
from tests.support.programs import require_parts

DECIDE: Final = "risk.decide"
QUICK: Final = {"CDB_TRACE_DECISION_WAIT": "1s", "CDB_SPAN_METRICS_INTERVAL": "1s"}
# Service, span, parent, milliseconds. The root takes long because the signal waits on its stream.
_SPANS: Final = (
    ("cdb_core", "signal.generate", None, 2_000),
    ("cdb_risk", DECIDE, "signal.generate", 5),
    ("cdb_execution", "order.execute", DECIDE, 3),
)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One trace as three services would send it. Its id is derived from *name*, so the sampler's choice is fixed."""

    name: str
    decision_ms: float = 5
    failed: bool = False
    attributes: Mapping[str, str | bool] = field(default_factory=lambda: {"cdb.verdict": "approved"})

    @property
    def trace_id(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest()[:16]

    def resource_spans(self, *services: str) -> Iterator[trace_pb2.ResourceSpans]:
        """Spans of *services*, by default of all three."""
        begin = time.time_ns() - 3_000_000_000
        for service, name, parent, milliseconds in _SPANS:
            if services and service not in services:
                continue
            sent = trace_pb2.ResourceSpans()
            resource = {"service.name": service, "service.namespace": "cdb", "service.instance.id": f"{service}:8000"}
            for key, text in resource.items():
                sent.resource.attributes.add(key=key).value.string_value = text
            span = sent.scope_spans.add().spans.add(name=name, trace_id=self.trace_id, span_id=self._span_id(name))
            span.parent_span_id = self._span_id(parent) if parent else b""
            span.start_time_unix_nano = begin
            taken = self.decision_ms if name == DECIDE else milliseconds
            span.end_time_unix_nano = begin + int(taken * 1_000_000)
            if name == DECIDE:
                self._decide(span)
            yield sent

    def _decide(self, span: trace_pb2.Span) -> None:
        if self.failed:
            span.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        for key, value in self.attributes.items():
            attribute = span.attributes.add(key=key).value
            if isinstance(value, bool):
                attribute.bool_value = value
            else:
                attribute.string_value = value

    def _span_id(self, name: str) -> bytes:
        return hashlib.sha256(f"{self.name} {name}".encode()).digest()[:8]


@dataclass(frozen=True)
class Found:
    """One trace in Jaeger: its span names, the reasons why it was kept, and the spans whose parent is missing."""

    spans: frozenset[str]
    reasons: frozenset[str]
    orphans: frozenset[str]


class Tracing:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.intake = Intake(stack)

    def send(self, traces: Iterable[Trace], *services: str) -> None:
        """Send the spans that *services* have of *traces*; fails unless the collector takes them."""
        request = trace_pb.ExportTraceServiceRequest()
        for trace in traces:
            request.resource_spans.extend(trace.resource_spans(*services))
        body = request.SerializeToString()
        assert self.intake.over_grpc(body, self.intake.token, signal="traces") == "OK"

    def found(self) -> dict[str, Found]:
        """All traces in Jaeger by hexadecimal id; none while it does not answer."""
        now = time.time_ns() // 1000
        asked = {"service": "cdb_risk", "start": now - 3_600_000_000, "end": now, "limit": 10_000}
        answer = self._ask(f"/api/traces?{urlencode(asked)}")
        return {trace["traceID"]: _found(trace) for trace in answer or ()}

    def trace(self, trace: Trace) -> Found | None:
        answer = self._ask(f"/api/traces/{trace.trace_id.hex()}")
        return _found(answer[0]) if answer else None

    def judged(self, sampled: str) -> float:
        """Number of traces that the sampler has kept ("true") or dropped ("false") since the collector's start."""
        return self.intake.own("otelcol_processor_tail_sampling_global_count_traces_sampled_total", sampled=sampled)

    def kept_as(self, reason: str) -> float:
        """Number of traces kept for *reason* since the collector's start."""
        name = "otelcol_processor_tail_sampling_count_traces_sampled_total"
        return self.intake.own(name, policy=reason, sampled="true")

    def _ask(self, path: str) -> Any:
        try:
            with urlopen(f"http://127.0.0.1:{self.stack.config.ports.jaeger}{path}", timeout=30) as reply:
                return json.load(reply)["data"]
        except HTTPError as error:
            with error:
                return {404: None}[error.code]  # no such trace
        except URLError:  # it does not run, or is still starting
            return None


def _found(trace: Mapping[str, Any]) -> Found:
    spans = trace["spans"]
    ids = {span["spanID"] for span in spans}
    tags = [(tag["key"], tag["value"]) for span in spans for tag in span["tags"]]
    return Found(
        spans=frozenset(span["operationName"] for span in spans),
        reasons=frozenset(value for key, value in tags if key == "cdb.kept"),
        orphans=frozenset(
            span["operationName"] for span in spans for to in span["references"] if to["spanID"] not in ids
        ),
    )


@contextmanager
def running_tracing(
    state: Path, settings: Mapping[str, str] | None = None, *, parts: tuple[str, ...] = ("otel_collector", "jaeger")
) -> Iterator[Tracing]:
    """Run *parts* on free ports and remove them afterwards. The sampler decides after one second."""
    stack = Stack(StackConfig.isolated(ROOT, state, parts=select(parts), environment={**QUICK, **(settings or {})}))
    require_parts(stack.config)
    try:
        with stack:
            yield Tracing(stack)
    finally:
        stack.remove()
