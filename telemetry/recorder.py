"""All metrics of one process: a family for each entry of the contract, which the readers collect from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from time import time_ns
from typing import Any, Final, Literal, get_args

from opentelemetry.context import Context, set_value
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics.export import AggregationTemporality, HistogramDataPoint
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.metrics.export import Metric as MetricData
from opentelemetry.sdk.metrics.view import View

from telemetry import sdk_instruments
from telemetry.contract import Contract, ContractError, Metric
from telemetry.families import Family
from telemetry.handles import SILENT, Attributes, Counter, Gauge, Handle, Histogram
from telemetry.labels import LabelBounds, OpenLabel

Recording = Literal["fast", "sdk"]

_OVERFLOW: Final = "cdb_telemetry_label_overflow_total"
_REFUSED: Final = "cdb_telemetry_values_refused_total"

# Not empty, since an empty context counts as none: a span around the scrape would become an exemplar.
_NO_SPAN: Final = set_value("cdb.collection", "no span", Context())


class Recorder:
    """Metrics of one process. Recording works at once; start() names the service and connects a meter."""

    def __init__(self, contract: Contract, *, recording: Recording = "fast") -> None:
        if recording not in get_args(Recording):
            raise ValueError(f"recording {recording!r} is not one of {', '.join(get_args(Recording))}")
        self.contract: Final = contract
        self.recording: Final = recording
        self.service: str | None = None
        self._exemplars = False
        self._open = {label: OpenLabel() for label in contract.open_labels}
        self._outlets: dict[str, sdk_instruments.Outlet] = {}
        self._families: dict[str, Family[Any]] = {
            metric.prometheus: self._family(metric) for metric in contract.metrics
        }

    def counter(self, name: str) -> Family[Counter]:
        """Counter by its Prometheus name. Raises ContractError if it is not in the contract."""
        return self._find(name, "counter")

    def gauge(self, name: str) -> Family[Gauge]:
        """Gauge by its Prometheus name. Raises ContractError if it is not in the contract."""
        return self._find(name, "gauge")

    def histogram(self, name: str) -> Family[Histogram]:
        """Histogram by its Prometheus name. Raises ContractError if it is not in the contract."""
        return self._find(name, "histogram")

    def views(self) -> list[View]:
        """Give the meter provider the views that it needs."""
        return sdk_instruments.bucket_views(self.contract) if self.recording == "sdk" else []

    def start(
        self,
        meter: Meter,
        *,
        service: str | None,
        configured: Mapping[str, Sequence[str]] | None = None,
        expected: Mapping[str, Collection[str]] | None = None,
        exemplars: bool = False,
    ) -> None:
        """Connect to *meter*, and expose as 0 each label set that *service* can have and that has no value yet.

        *configured* are the values of open labels, such as {"symbol": ["BTCUSDT"]}. *expected* limits the values of
        listed labels, such as {"exchange": ["paper"]}, to those of this process. Raises ContractError if the service or
        a value is not in the contract.
        """
        self._check(service, configured or {}, expected or {})
        self.service = service
        for label, values in (configured or {}).items():
            self._open[label].configure(values)
        if exemplars:
            self._exemplars = True
            for handle in self._all("histogram"):
                handle.keep_exemplars()
        self._attach(meter)
        owned = self.contract.owned_by(service)
        own = {"service": [service] if service else []}  # a process reports its own health only
        for metric in owned:
            # A metric without labels cannot overflow.
            names = [other.prometheus for other in owned if other.labels or metric.prometheus != _OVERFLOW]
            family = self._families[metric.prometheus]
            for values in family.bounds.known(service, {**(expected or {}), **own, "metric": names}):
                family.bind(values)

    def also_admit(self, label: str, values: Iterable[str]) -> None:
        """Record more values of the open *label* under their own names, from now on."""
        self._open[label].also(values)

    def mute(self) -> None:
        """Record nothing from now on, at the least cost: for a process whose metrics nobody reads."""
        for family in self._families.values():
            family.mute(SILENT[family.metric.type])

    def histograms(self, *, drain: bool) -> list[MetricData]:
        """Collect the histograms; *drain* removes their exemplars."""
        if self.recording == "sdk":
            return []
        now = time_ns()
        collected = []
        for family in self._families.values():
            if family.metric.type == "histogram":
                points = [point for handle in family.handles() if (point := handle.point(now, drain=drain))]
                if points:
                    collected.append(_histogram_data(family.metric, points))
        return collected

    def _family(self, metric: Metric) -> Family[Any]:
        return Family(
            metric,
            bounds=LabelBounds(metric, self._open),
            create=self._creator(metric),
            overflowed=partial(self._count, _OVERFLOW, metric.prometheus),
        )

    def _creator(self, metric: Metric) -> Callable[[Attributes], Handle]:
        refused = partial(self._count, _REFUSED, metric.prometheus)
        if self.recording == "sdk" and not (metric.type == "gauge" and metric.absent):
            outlet = self._outlets[metric.prometheus] = sdk_instruments.Outlet(metric)
            kinds = {
                "counter": sdk_instruments.PlainCounter,
                "gauge": sdk_instruments.PlainGauge,
                "histogram": sdk_instruments.PlainHistogram,
            }
            return lambda attributes: kinds[metric.type](attributes, refused, outlet)
        if metric.type == "histogram":
            return lambda attributes: self._histogram(Histogram(attributes, refused, metric.buckets))
        kind = Counter if metric.type == "counter" else Gauge
        return lambda attributes: kind(attributes, refused)

    def _histogram(self, handle: Histogram) -> Histogram:
        if self._exemplars:
            handle.keep_exemplars()
        return handle

    def _count(self, counter: str, metric: str) -> None:
        self._families[counter].bind((metric,)).inc()

    def _find(self, name: str, kind: str) -> Family[Any]:
        family = self._families.get(name)
        if family is None or family.metric.type != kind:
            known = ", ".join(metric.prometheus for metric in self.contract.metrics if metric.type == kind)
            raise ContractError(f"the contract has no {kind} {name!r}; it has: {known}")
        return family

    def _all(self, kind: str) -> Iterable[Any]:
        for family in self._families.values():
            if family.metric.type == kind:
                yield from family.handles()

    def _attach(self, meter: Meter) -> None:
        for outlet in self._outlets.values():
            outlet.attach(meter)
        if self.recording == "sdk":
            sdk_instruments.refresh_at_collection(meter, partial(self._all, "gauge"))
        for family in self._families.values():
            metric = family.metric
            if metric.prometheus in self._outlets:
                continue
            callbacks = [partial(_observations, family)]
            if metric.type == "counter":
                meter.create_observable_counter(metric.otel, callbacks, unit=metric.unit, description=metric.brief)
            elif metric.type == "gauge":
                meter.create_observable_gauge(metric.otel, callbacks, unit=metric.unit, description=metric.brief)

    def _check(
        self, service: str | None, configured: Mapping[str, Sequence[str]], expected: Mapping[str, Collection[str]]
    ) -> None:
        services = self.contract.services
        if service is not None and service not in services:
            raise ContractError(f"service {service!r} is not one of {', '.join(services)}")
        if closed := configured.keys() - self._open.keys():
            raise ContractError(f"configured: {', '.join(closed)} is no open label; open are {', '.join(self._open)}")
        listed: dict[str, set[str]] = {}
        for metric in self.contract.metrics:
            for label, values in metric.values.items():
                listed.setdefault(label, set()).update(values)
        for label, wanted in expected.items():
            if label not in listed:
                raise ContractError(f"expected: no metric has the label {label!r}; there are {', '.join(listed)}")
            if label in self._open:
                raise ContractError(f"expected: label {label} is open: configured, not expected")
            if unknown := set(wanted) - listed[label]:
                raise ContractError(
                    f"expected: label {label} cannot be {', '.join(sorted(unknown))}; "
                    f"allowed: {', '.join(sorted(listed[label]))}"
                )


def _histogram_data(metric: Metric, points: Sequence[HistogramDataPoint]) -> MetricData:
    return MetricData(
        name=metric.otel,
        description=metric.brief,
        unit=metric.unit,
        data=HistogramData(data_points=points, aggregation_temporality=AggregationTemporality.CUMULATIVE),
    )


def _observations(family: Family[Counter] | Family[Gauge], options: CallbackOptions) -> Iterable[Observation]:
    for handle in family.handles():
        if (value := handle.read()) is not None:
            yield Observation(value, handle.attributes, _NO_SPAN)
