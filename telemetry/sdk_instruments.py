"""The same handles on plain SDK instruments (CDB_TELEMETRY_RECORDING=sdk): slower, to compare the fast ones with.

Counts and observations from before the start are lost. Histograms cannot start at zero here. What can be absent again
is not here: a plain gauge keeps its last value for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.metrics import Counter as SdkCounter
from opentelemetry.metrics import _Gauge as SdkGauge
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

from telemetry.contract import Contract, Metric
from telemetry.handles import Attributes, Counter, Gauge, Histogram, Number, finite


class Outlet:
    """SDK instruments of one metric; none before attach()."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.counter: SdkCounter | None = None
        self.gauge: SdkGauge | None = None

    def attach(self, meter: Meter) -> None:
        """Create the instrument. A histogram is a gauge with buckets: the SDK's histograms drop negative values."""
        metric = self.metric
        if metric.type == "counter":
            self.counter = meter.create_counter(metric.otel, unit=metric.unit, description=metric.brief)
        else:
            self.gauge = meter.create_gauge(metric.otel, unit=metric.unit, description=metric.brief)


class PlainCounter(Counter):
    """Counts into an SDK counter."""

    __slots__ = ("_outlet",)

    def __init__(self, attributes: Attributes, refused: Callable[[], None], outlet: Outlet) -> None:
        super().__init__(attributes, refused)
        self._outlet = outlet

    def expose(self) -> None:
        """Show this label set to readers, even before its first value."""
        self.inc(0)

    def inc(self, amount: Number = 1) -> None:
        """Add *amount*. If it is negative or not finite, it is ignored and counted."""
        number = finite(amount)
        if number is None or number < 0:
            self._refused()
        elif self._outlet.counter is not None:
            self._outlet.counter.add(number, self.attributes)


class PlainGauge(Gauge):
    """Sets an SDK gauge."""

    __slots__ = ("_outlet",)

    def __init__(self, attributes: Attributes, refused: Callable[[], None], outlet: Outlet) -> None:
        super().__init__(attributes, refused)
        self._outlet = outlet

    def expose(self) -> None:
        """Show this label set to readers, even before its first value."""
        super().expose()
        self.refresh()

    def set(self, value: Number) -> None:
        """Replace the value. If *value* is not finite, it is ignored and counted."""
        super().set(value)
        self.refresh()

    def refresh(self) -> None:
        """Pass the value, or the function's value, to the SDK."""
        value = self.read()
        if value is not None and self._outlet.gauge is not None:
            self._outlet.gauge.set(value, self.attributes)


class PlainHistogram(Histogram):
    """Records into an SDK instrument."""

    __slots__ = ("_outlet",)

    def __init__(self, attributes: Attributes, refused: Callable[[], None], outlet: Outlet) -> None:
        super().__init__(attributes, refused, outlet.metric.buckets)
        self._outlet = outlet

    def observe(self, value: Number) -> None:
        """Record *value*. If it is not finite, it is ignored and counted."""
        number = finite(value)
        if number is None:
            self._refused()
        elif self._outlet.gauge is not None:
            self._outlet.gauge.set(number, self.attributes)


def bucket_views(contract: Contract) -> list[View]:
    """Give every histogram of the contract its buckets, as views."""
    return [
        View(instrument_name=metric.otel, aggregation=ExplicitBucketHistogramAggregation(metric.buckets))
        for metric in contract.metrics
        if metric.type == "histogram"
    ]


def refresh_at_collection(meter: Meter, gauges: Callable[[], Iterable[Gauge]]) -> None:
    """Refresh gauges that have a function at each collection.

    The SDK runs the callbacks of observables before it reads any stream, so an observable without values can do it.
    """

    def refresh(options: CallbackOptions) -> Iterable[Observation]:
        for gauge in gauges():
            if isinstance(gauge, PlainGauge):
                gauge.refresh()
        return ()

    meter.create_observable_gauge("cdb.telemetry.refresh", callbacks=[refresh])
