"""Ask a Jaeger for traces over its HTTP API, with typed answers."""

from typing import Final, TypeVar

import httpx
import msgspec

from cdb.kit.http_client import HttpClient
from cdb.kit.printable import cut
from cdb.trace.model import Span, Trace, Value

_TIMEOUT: Final = httpx.Timeout(30.0, connect=2.0)
_NOT_FOUND: Final = 404

T = TypeVar("T")


class JaegerAway(Exception):
    """Jaeger does not answer, or not as Jaeger does; the text says where."""


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


class _Services(msgspec.Struct, frozen=True):
    data: tuple[str, ...] | None = None


class Jaeger(HttpClient):
    """A client of one server. Every method raises JaegerAway."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, timeout=_TIMEOUT, transport=transport)

    def services(self) -> tuple[str, ...]:
        """Return the services that have spans."""
        return self._get("services", _Services).data or ()

    def trace(self, trace_id: str) -> Trace | None:
        """Return the trace with that id of 32 hexadecimal digits, None if there is none."""
        found = self._get(f"traces/{trace_id}", _Traces, or_none=True).data
        return _trace(found[0]) if found and found[0].spans else None

    def find(
        self, service: str, *, start_us: int, end_us: int, limit: int, operation: str = "", least_us: int = 0
    ) -> tuple[Trace, ...]:
        """Return the newest traces of *service* that began between two times (since 1970), at most *limit*.

        *operation* and *least_us*, the shortest duration, need not hold for one and the same span.
        """
        asked: dict[str, str | int] = {"service": service, "start": start_us, "end": end_us, "limit": limit}
        if operation:
            asked["operation"] = operation
        if least_us:
            asked["minDuration"] = f"{least_us}us"
        found = self._get("traces", _Traces, asked).data or ()
        return tuple(_trace(trace) for trace in found if trace.spans)

    def _get(self, path: str, kind: type[T], asked: dict[str, str | int] | None = None, *, or_none: bool = False) -> T:
        try:
            answer = self._client.get(f"/api/{path}", params=asked)
        except httpx.HTTPError as error:
            raise JaegerAway(f"Jaeger at {self.url} does not answer: {error or type(error).__name__}") from error
        if or_none and answer.status_code == _NOT_FOUND:
            return kind()
        if answer.status_code != httpx.codes.OK:
            raise JaegerAway(f"{self.url}/api/{path} answers {answer.status_code}: {cut(answer.text.strip(), 200)}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise JaegerAway(f"what answers at {self.url} is not Jaeger: {error}") from error


def _trace(found: _Trace) -> Trace:
    return Trace(found.trace_id.rjust(32, "0"), tuple(_span(span, found.processes) for span in found.spans))


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
