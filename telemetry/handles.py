"""Handles: one for each label set, bound once, cheap to call from any thread.

Recording never stops trading: a value that cannot be recorded (not finite, or negative on a counter) is ignored and
counted. Money may be a Decimal; it becomes a float here.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import wraps
from numbers import Real
from threading import RLock
from time import perf_counter, time_ns
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar

from opentelemetry.context import get_current
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import HistogramDataPoint
from opentelemetry.trace import get_current_span

Number = float | int | Decimal
Attributes = Mapping[str, str]
P = ParamSpec("P")
R = TypeVar("R")

EXEMPLAR_ATTRIBUTE: Final = "cdb.exemplar"
"""True on a span that is a histogram's exemplar, so that the sampler keeps its trace."""

_MAX: Final = sys.float_info.max


def finite(value: Number) -> float | None:
    """Convert *value* to a float; None if it is not finite. Raises TypeError if it is not a number."""
    # Real: most numbers of NumPy and pandas are not floats.
    if not isinstance(value, float | int | Decimal | Real):
        raise TypeError(f"a metric records int, float or Decimal, not {type(value).__name__} {value!r}")
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if -_MAX <= number <= _MAX else None


class Handle:
    """One label set of one metric."""

    __slots__ = ("_exposed", "_lock", "_refused", "attributes")

    def __init__(self, attributes: Attributes, refused: Callable[[], None]) -> None:
        self.attributes: Final = attributes
        self._exposed = False
        self._refused: Final = refused
        # Reentrant: a signal handler that records must not meet the lock its own thread holds.
        self._lock: Final = RLock()

    def expose(self) -> None:
        """Show this label set to readers, even before its first value."""
        self._exposed = True


class Counter(Handle):
    """Counts up."""

    __slots__ = ("_value",)

    def __init__(self, attributes: Attributes, refused: Callable[[], None]) -> None:
        super().__init__(attributes, refused)
        self._value: float = 0

    def inc(self, amount: Number = 1) -> None:
        """Add *amount*. If it is negative or not finite, it is ignored and counted."""
        if amount.__class__ is not int or not 0 <= amount <= _MAX:
            number = finite(amount)
            if number is None or number < 0:
                self._refused()
                return
            amount = number
        with self._lock:
            self._value += amount

    def add(self, amount: Number) -> None:
        """Call inc(); this is OpenTelemetry's name for it."""
        self.inc(amount)

    def read(self) -> float | None:
        """Count so far; None while it is not exposed."""
        return float(self._value) if self._exposed or self._value else None


class Gauge(Handle):
    """Holds the newest value, or a function that computes it at each collection."""

    __slots__ = ("_function", "_value")

    def __init__(self, attributes: Attributes, refused: Callable[[], None]) -> None:
        super().__init__(attributes, refused)
        self._value: float | None = None
        self._function: Callable[[], Number] | None = None

    def set(self, value: Number) -> None:
        """Replace the value. If *value* is not finite, it is ignored and counted."""
        if value.__class__ is not float or not -_MAX <= value <= _MAX:
            number = finite(value)
            if number is None:
                self._refused()
                return
            value = number
        self._value = value

    def inc(self, amount: Number = 1) -> None:
        """Add *amount*, which may be negative."""
        number = finite(amount)
        if number is None:
            self._refused()
            return
        with self._lock:
            self.set((self._value or 0.0) + number)

    def dec(self, amount: Number = 1) -> None:
        """Subtract *amount*."""
        self.inc(-amount)

    def show(self, value: Number | None) -> None:
        """Set *value*; None leaves no value, so that a metric that is absent before it has one is absent again."""
        if value is None:
            self._value = None
        else:
            self.set(value)

    def set_function(self, function: Callable[[], Number]) -> None:
        """Call *function* at each collection, in the collecting thread. For ages, which grow while nothing happens."""
        self._function = function

    def read(self) -> float | None:
        """Newest value; None while it is not exposed, or if the function's value is not finite."""
        if self._function is None:
            return 0.0 if self._value is None and self._exposed else self._value
        value = finite(self._function())
        if value is None:
            self._refused()
        return value


class Histogram(Handle):
    """Counts values by bucket, negative ones too; keeps one exemplar for each bucket and export."""

    __slots__ = ("_bounds", "_counts", "_exemplars", "_max", "_min", "_start", "_sum")

    def __init__(self, attributes: Attributes, refused: Callable[[], None], bounds: tuple[float, ...]) -> None:
        super().__init__(attributes, refused)
        self._bounds: Final = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._min = _MAX
        self._max = -_MAX
        self._start: Final = time_ns()
        self._exemplars: list[Exemplar | None] | None = None

    def keep_exemplars(self) -> None:
        """Keep exemplars from now on. Needs a reader that drains them."""
        self._exemplars = [None] * len(self._counts)

    def observe(self, value: Number) -> None:
        """Record *value*. If it is not finite, it is ignored and counted."""
        if value.__class__ is not float or not -_MAX <= value <= _MAX:
            number = finite(value)
            if number is None:
                self._refused()
                return
            value = number
        bucket = bisect_left(self._bounds, value)
        with self._lock:
            self._counts[bucket] += 1
            self._sum += value
            if value < self._min:  # noqa: PLR1730  min() and max() are two more calls
                self._min = value
            if value > self._max:  # noqa: PLR1730
                self._max = value
        if self._exemplars is not None and self._exemplars[bucket] is None:
            self._offer(self._exemplars, bucket, value)

    def record(self, value: Number) -> None:
        """Call observe(); this is OpenTelemetry's name for it."""
        self.observe(value)

    def time(self, clock: Callable[[], float] = perf_counter) -> Timer:
        """Context manager or decorator that observes how many seconds a block or call took, even if it raises."""
        return Timer(self, clock)

    def _offer(self, exemplars: list[Exemplar | None], bucket: int, value: float) -> None:
        current = get_current()
        if not current:  # usual, and cheaper to check than the span
            return
        span = get_current_span(current)
        context = span.get_span_context()
        if not context.trace_flags.sampled:
            return
        exemplars[bucket] = Exemplar({}, value, time_ns(), context.span_id, context.trace_id)
        if span.is_recording():
            span.set_attribute(EXEMPLAR_ATTRIBUTE, True)

    def point(self, now: int, *, drain: bool) -> HistogramDataPoint | None:
        """State at *now* (ns since 1970); None while it is not exposed. *drain* removes the exemplars."""
        with self._lock:
            count = sum(self._counts)
            if not count and not self._exposed:
                return None
            exemplars = self._exemplars
            if drain and exemplars is not None:
                self._exemplars = [None] * len(self._counts)
            return HistogramDataPoint(
                attributes=self.attributes,
                start_time_unix_nano=self._start,
                time_unix_nano=now,
                count=count,
                sum=self._sum,
                bucket_counts=tuple(self._counts),
                explicit_bounds=self._bounds,
                min=self._min if count else None,  # type: ignore[arg-type]  # None stays off the wire
                max=self._max if count else None,  # type: ignore[arg-type]
                exemplars=[exemplar for exemplar in exemplars or () if drain and exemplar],
            )


class _SilentCounter(Counter):
    def inc(self, amount: Number = 1) -> None:
        pass


class _SilentGauge(Gauge):
    def set(self, value: Number) -> None:
        pass

    def inc(self, amount: Number = 1) -> None:
        pass


class _SilentHistogram(Histogram):
    def observe(self, value: Number) -> None:
        pass


def _ignore() -> None:
    """Nothing is refused where nothing is recorded."""


SILENT: Final[dict[str, Any]] = {
    "counter": _SilentCounter({}, _ignore),
    "gauge": _SilentGauge({}, _ignore),
    "histogram": _SilentHistogram({}, _ignore, (1.0,)),
}
"""Handles that record nothing, by the type of metric."""


class Timer:
    """Observes how long a block, or each call of a decorated function, takes."""

    __slots__ = ("_clock", "_histogram", "_started")

    def __init__(self, histogram: Histogram, clock: Callable[[], float]) -> None:
        self._histogram = histogram
        self._clock = clock

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Time each call of *function*."""

        @wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            with Timer(self._histogram, self._clock):  # one for each call, since calls may overlap
                return function(*args, **kwargs)

        return timed

    def __enter__(self) -> None:
        self._started = self._clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._histogram.observe(self._clock() - self._started)
