"""Ask a Prometheus over its HTTP API, with typed answers."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import httpx
import msgspec

from cdb.kit.http_client import HttpClient

_TIMEOUT: Final = httpx.Timeout(10.0, connect=2.0)

T = TypeVar("T")
Labels = dict[str, str]


class PrometheusAway(Exception):
    """Prometheus does not answer, or not as Prometheus does; the text says where."""


class QueryRefused(Exception):
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


class Rule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A loaded rule, as its last evaluation left it."""

    name: str
    type: str  # alerting or recording
    query: str
    health: str = "unknown"  # ok, err or unknown: not evaluated yet
    last_error: str = ""
    state: str = ""
    labels: Labels = {}
    annotations: Labels = {}


class RuleGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of rules, and the file it is from."""

    name: str
    file: str
    rules: tuple[Rule, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An alert that is pending or firing."""

    labels: Labels
    annotations: Labels = {}
    state: str
    active_at: str | None = None
    value: str = ""


class Exemplar(msgspec.Struct, frozen=True, kw_only=True):
    """One value with the trace it is from."""

    labels: Labels
    value: float
    timestamp: float


class ExemplarSeries(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The exemplars of one series."""

    series_labels: Labels
    exemplars: tuple[Exemplar, ...] = ()


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """Type, help and unit that a target shows of a metric."""

    type: str
    help: str = ""
    unit: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is scraped, as the last scrape left it; *health* is up, down or unknown: not scraped yet."""

    labels: Labels
    health: str
    last_error: str = ""


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


class _Rules(msgspec.Struct, frozen=True):
    groups: tuple[RuleGroup, ...]


class _Alerts(msgspec.Struct, frozen=True):
    alerts: tuple[Alert, ...]


class Prometheus(HttpClient):
    """A client of one server. Every method raises PrometheusAway or QueryRefused; threads may share it."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, timeout=_TIMEOUT, transport=transport)

    def query(self, expression: str, at: float | None = None) -> tuple[Sample, ...]:
        """Return the value of *expression* at the Unix time *at*, now without it; a scalar is one sample."""
        found = self._get("query", _Result, query=expression, time=at)
        if found.result_type == "scalar":
            return (_sample({}, msgspec.convert(found.result, tuple[float, str])),)
        rows = msgspec.convert(found.result, tuple[_Found, ...])
        return tuple(_sample(row.metric, row.value) for row in rows if row.value is not None)

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> tuple[Series, ...]:
        """Return *expression* from *start* to *end* (Unix times), a point every *step* seconds."""
        found = self._get("query_range", _Result, query=expression, start=start, end=end, step=step)
        rows = msgspec.convert(found.result, tuple[_Found, ...])
        return tuple(Series(row.metric, tuple((at, float(text)) for at, text in row.values)) for row in rows)

    def series(self, selector: str, *, start: float | None = None, end: float | None = None) -> tuple[Labels, ...]:
        """Return the labels (the name as __name__) of each series that *selector* has between two Unix times."""
        return self._get("series", tuple[Labels, ...], **{"match[]": selector}, start=start, end=end)

    def label_values(self, label: str, selector: str = "") -> tuple[str, ...]:
        """Return the values that *label* has, of the series of *selector* or of all."""
        return self._get(f"label/{label}/values", tuple[str, ...], **({"match[]": selector} if selector else {}))

    def metadata(self) -> dict[str, tuple[Metadata, ...]]:
        """Return what the targets show of each metric; a histogram's is under its name without a suffix."""
        return self._get("metadata", dict[str, tuple[Metadata, ...]])

    def rules(self) -> tuple[RuleGroup, ...]:
        """Return all loaded rules."""
        return self._get("rules", _Rules).groups

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that are pending or firing."""
        return self._get("alerts", _Alerts).alerts

    def targets(self) -> tuple[Target, ...]:
        """Return what is scraped."""
        return self._get("targets", _Targets, state="active").active_targets

    def alertmanagers(self) -> tuple[str, ...]:
        """Return the addresses that alerts are sent to."""
        return tuple(one.url for one in self._get("alertmanagers", _Alertmanagers).active_alertmanagers)

    def version(self) -> str:
        """Return the server's version, such as 2.42.0."""
        return self._get("status/buildinfo", _BuildInfo).version

    def exemplars(self, expression: str, *, start: float, end: float) -> tuple[ExemplarSeries, ...]:
        """Return the exemplars of the series in *expression* between two Unix times."""
        return self._get("query_exemplars", tuple[ExemplarSeries, ...], query=expression, start=start, end=end)

    def _get(self, path: str, kind: type[T], **parameters: str | float | None) -> T:
        sent = {name: value for name, value in parameters.items() if value is not None}
        try:
            answer = self._client.get(f"/api/v1/{path}", params=sent)
            body: Mapping[str, Any] = msgspec.json.decode(answer.content, type=dict[str, Any])
        except httpx.HTTPError as error:
            raise PrometheusAway(
                f"Prometheus at {self.url} does not answer: {error or type(error).__name__}"
            ) from error
        except msgspec.DecodeError as error:
            status = answer.status_code
            raise PrometheusAway(f"{self.url}/api/v1/{path} answers {status}, not as Prometheus does") from error
        if body.get("status") != "success":
            raise QueryRefused(str(body.get("error", f"status {answer.status_code}")))
        try:
            # Times and values of exemplars are now numbers and now text.
            return msgspec.convert(body.get("data"), kind, strict=False)
        except msgspec.ValidationError as error:
            raise PrometheusAway(f"{self.url}/api/v1/{path}: an answer that is not understood: {error}") from error


def _sample(labels: Labels, value: tuple[float, str]) -> Sample:
    at, text = value
    return Sample(labels, at, float(text))
