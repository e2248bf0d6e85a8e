"""Ask a Prometheus over its HTTP API, with typed answers."""

from datetime import datetime
from typing import Any, TypeVar

import httpx
import msgspec

from cdb.kit.errors import Away, Refused
from cdb.kit.http_client import HttpClient
from services.decoding import prepared

T = TypeVar("T")
Labels = dict[str, str]


class QueryRefused(Refused):
    """Prometheus answers that it cannot do what was asked; the text is its own."""


class Sample(msgspec.Struct, frozen=True):
    """One series at one time."""

    labels: Labels
    at: float  # Unix time in seconds
    value: float  # may be NaN or infinite


class Series(msgspec.Struct, frozen=True):
    """One series over time."""

    labels: Labels
    points: tuple[tuple[float, float], ...]  # Unix time in seconds, value


class Exemplar(msgspec.Struct, frozen=True):
    """One observation that was kept with what tells where it comes from, such as its trace."""

    labels: Labels
    at: float  # Unix time in seconds
    value: float


class Rule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A loaded rule, as its last evaluation left it."""

    name: str
    type: str  # alerting or recording
    query: str
    health: str = "unknown"  # ok, err or unknown: not evaluated yet
    last_error: str = ""


class RuleGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of rules."""

    name: str
    rules: tuple[Rule, ...] = ()


class Alert(msgspec.Struct, frozen=True):
    """An alert that is pending or firing."""

    labels: Labels
    state: str


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a target shows of a metric besides its samples."""

    type: str


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is scraped, as the last scrape left it; *health* is up, down or unknown: not scraped yet."""

    labels: Labels
    health: str
    last_error: str = ""
    last_scrape: datetime | None = None
    last_scrape_duration: float = 0.0  # seconds


class _Targets(msgspec.Struct, frozen=True, rename="camel"):
    active_targets: tuple[Target, ...]


class _Alertmanager(msgspec.Struct, frozen=True):
    url: str


class _Alertmanagers(msgspec.Struct, frozen=True, rename="camel"):
    active_alertmanagers: tuple[_Alertmanager, ...]


class _BuildInfo(msgspec.Struct, frozen=True):
    version: str


class _Found(msgspec.Struct, frozen=True):
    metric: Labels = {}
    value: tuple[float, str] | None = None
    values: tuple[tuple[float, str], ...] = ()


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    result_type: str
    result: Any


class _Exemplar(msgspec.Struct, frozen=True):
    labels: Labels
    value: str
    timestamp: float


class _Exemplars(msgspec.Struct, frozen=True):
    exemplars: tuple[_Exemplar, ...] = ()


class _Rules(msgspec.Struct, frozen=True):
    groups: tuple[RuleGroup, ...]


class _Alerts(msgspec.Struct, frozen=True):
    alerts: tuple[Alert, ...]


class Prometheus(HttpClient):
    """A client of one server. Every method raises Away or QueryRefused; threads may share it. Times are Unix times."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, name="Prometheus", transport=transport)

    def query(self, expression: str, at: float | None = None) -> tuple[Sample, ...]:
        """Evaluate *expression* at *at*, by default now; a scalar is one sample."""
        found = self._get("query", _Result, query=expression, time=at)
        if found.result_type == "scalar":
            return (_sample({}, msgspec.convert(found.result, prepared(tuple[float, str]))),)
        rows = msgspec.convert(found.result, prepared(tuple[_Found, ...]))
        return tuple(_sample(row.metric, row.value) for row in rows if row.value is not None)

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> tuple[Series, ...]:
        """Evaluate *expression* every *step* seconds from *start* to *end*."""
        found = self._get("query_range", _Result, query=expression, start=start, end=end, step=step)
        rows = msgspec.convert(found.result, prepared(tuple[_Found, ...]))
        return tuple(Series(row.metric, tuple((at, float(text)) for at, text in row.values)) for row in rows)

    def exemplars(self, expression: str, *, start: float, end: float) -> tuple[Exemplar, ...]:
        """Exemplars from *start* to *end* of all series that *expression* reads, whatever it makes of them."""
        found = self._get("query_exemplars", tuple[_Exemplars, ...], query=expression, start=start, end=end)
        return tuple(Exemplar(one.labels, one.timestamp, float(one.value)) for row in found for one in row.exemplars)

    def formatted(self, expression: str) -> str:
        """Write *expression* as the server does, which parses it and evaluates nothing."""
        return self._get("format_query", str, query=expression)

    def label_values(self, label: str, selector: str = "") -> tuple[str, ...]:
        """Values of *label* in the series of *selector*, by default in all."""
        return self._get(f"label/{label}/values", tuple[str, ...], **{"match[]": selector or None})

    def metadata(self) -> dict[str, tuple[Metadata, ...]]:
        """Type, help and unit that targets show of each metric; a histogram's is under its name without a suffix."""
        return self._get("metadata", dict[str, tuple[Metadata, ...]])

    def rules(self) -> tuple[RuleGroup, ...]:
        """All loaded rules."""
        return self._get("rules", _Rules).groups

    def alerts(self) -> tuple[Alert, ...]:
        """Alerts that are pending or firing."""
        return self._get("alerts", _Alerts).alerts

    def targets(self) -> tuple[Target, ...]:
        """Everything that is scraped."""
        return self._get("targets", _Targets, state="active").active_targets

    def alertmanagers(self) -> tuple[str, ...]:
        """Addresses that alerts are sent to."""
        return tuple(one.url for one in self._get("alertmanagers", _Alertmanagers).active_alertmanagers)

    def version(self) -> str:
        """Version of the server, such as 2.42.0."""
        return self._get("status/buildinfo", _BuildInfo).version

    def _get(self, path: str, kind: type[T], **parameters: str | float | None) -> T:
        answer = self.get(f"/api/v1/{path}", parameters)
        body = self.decoded(dict[str, Any], answer)
        if body.get("status") != "success":
            raise QueryRefused(str(body.get("error", f"status {answer.status_code}")))
        try:
            return msgspec.convert(body.get("data"), prepared(kind))
        except msgspec.ValidationError as error:
            raise Away(f"cannot read the response of {self.url}/api/v1/{path}: {error}") from error


def _sample(labels: Labels, value: tuple[float, str]) -> Sample:
    at, text = value
    return Sample(labels, at, float(text))
