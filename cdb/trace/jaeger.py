"""Ask a Jaeger for traces over its HTTP API, with typed answers."""

from collections.abc import Mapping
from typing import Final

import httpx
import msgspec

from cdb.kit.http_client import HttpClient
from cdb.trace.model import Span, Trace, Value

_TIMEOUT: Final = httpx.Timeout(30.0, connect=2.0)


class _Tag(msgspec.Struct, frozen=True):
    key: str
    value: Value


class _Reference(msgspec.Struct, frozen=True, rename={"kind": "refType", "span_id": "spanID"}):
    kind: str
    span_id: str


class _Span(msgspec.Struct, frozen=True, rename={
    "span_id": "spanID", "name": "operationName", "start_us": "startTime", "process": "processID",
}):  # fmt: skip
    span_id: str
    name: str
    start_us: int
    duration: int
    process: str
    references: tuple[_Reference, ...] = ()
    tags: tuple[_Tag, ...] = ()


class _Process(msgspec.Struct, frozen=True, rename={"service": "serviceName"}):
    service: str


class _Trace(msgspec.Struct, frozen=True, rename={"trace_id": "traceID"}):
    trace_id: str
    spans: tuple[_Span, ...]
    processes: dict[str, _Process]


class _Traces(msgspec.Struct, frozen=True):
    data: tuple[_Trace, ...] | None = None


class _Id(msgspec.Struct, frozen=True, rename={"trace_id": "traceID"}):
    trace_id: str


class _Ids(msgspec.Struct, frozen=True):
    data: tuple[_Id, ...] | None = None


class _Services(msgspec.Struct, frozen=True):
    data: tuple[str, ...] | None = None


class Jaeger(HttpClient):
    """A client of one server. Every method raises Away."""

    def __init__(
        self, url: str, *, timeout: httpx.Timeout = _TIMEOUT, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(url, name="Jaeger", timeout=timeout, transport=transport)

    def services(self) -> tuple[str, ...]:
        """Names of the services that have spans."""
        return self.read(_Services, "/api/services").data or ()

    def trace(self, trace_id: str) -> Trace | None:
        """Find the trace with that id of 32 hexadecimal digits."""
        answer = self.get(f"/api/traces/{trace_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found = self.decoded(_Traces, self.good(answer)).data
        return _trace(found[0]) if found and found[0].spans else None

    def find(
        self,
        service: str,
        *,
        start_us: int,
        end_us: int,
        limit: int,
        operation: str = "",
        least_us: int = 0,
        tags: Mapping[str, str] | None = None,
    ) -> tuple[Trace, ...]:
        """Find the newest traces of *service* that began between two times (since 1970), at most *limit*.

        *operation*, *least_us* (the shortest duration) and *tags* need not hold for one and the same span.
        """
        asked: dict[str, str | int | None] = {
            "service": service,
            "start": start_us,
            "end": end_us,
            "limit": limit,
            "operation": operation or None,
            "minDuration": f"{least_us}us" if least_us else None,
            "tags": msgspec.json.encode(tags).decode() if tags else None,
        }
        found = self.read(_Traces, "/api/traces", asked).data or ()
        return tuple(_trace(trace) for trace in found if trace.spans)

    def ids(self, service: str, *, start_us: int, end_us: int, limit: int) -> tuple[str, ...]:
        """Find the newest traces as `find` does, and keep of each only its id."""
        asked: dict[str, str | int | float | None] = {
            "service": service,
            "start": start_us,
            "end": end_us,
            "limit": limit,
        }
        found = self.read(_Ids, "/api/traces", asked).data or ()
        return tuple(_whole(trace.trace_id) for trace in found)


def _whole(trace_id: str) -> str:
    return trace_id.rjust(32, "0")


def _trace(found: _Trace) -> Trace:
    return Trace(_whole(found.trace_id), tuple(_span(span, found.processes) for span in found.spans))


def _span(found: _Span, processes: dict[str, _Process]) -> Span:
    parents = [to.span_id for to in found.references if to.kind == "CHILD_OF"]
    process = processes.get(found.process)
    return Span(
        span_id=found.span_id,
        parent_id=parents[0] if parents else "",
        service=process.service if process else "",
        name=found.name,
        start_us=found.start_us,
        duration_us=max(0, found.duration),
        attributes={tag.key: tag.value for tag in found.tags},
    )
