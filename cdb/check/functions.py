"""What PromQL's functions return, and what they must not be given."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import promql_parser as promql

from cdb.check.findings import Fault, nearest
from cdb.check.known_metrics import Values
from cdb.check.shapes import UNKNOWN, Shape

_OF_COUNTERS: Final = {"rate", "irate", "increase"}
_OF_GAUGES: Final = {"delta", "idelta", "deriv", "predict_linear"}
_NEED_TWO_SAMPLES: Final = _OF_COUNTERS | _OF_GAUGES
_SCALARS: Final = {"time", "pi", "scalar"}
# These return something else than values of what they are given.
_OTHER: Final = {"count_over_time", "present_over_time", "changes", "resets", "timestamp", "sgn", "absent_over_time"}
_SAME: Final = {"last_over_time", "max_over_time", "min_over_time", "avg_over_time", "quantile_over_time"}


@dataclass(frozen=True)
class Call:
    """One call of a function."""

    name: str
    arguments: Sequence[Shape]
    texts: Sequence[str | None]  # the arguments that are text
    window: timedelta | None = None

    @property
    def vector(self) -> Shape:
        """The argument that is a vector."""
        return next((one for one in self.arguments if not one.scalar), Shape(scalar=True))

    @property
    def given(self) -> str:
        """What messages call the vector."""
        return self.vector.name or "what it is given"


def result(call: Call, interval: str) -> tuple[Shape, list[Fault]]:
    """Tell what *call* returns and what is wrong with it, where Prometheus scrapes every *interval*."""
    if call.name in {"label_replace", "label_join"}:
        return _relabelled(call)
    if call.name == "histogram_quantile":
        return _quantile(call)
    faults = list(_wrong_kind(call))
    if call.window and call.name in _NEED_TWO_SAMPLES and call.window < 2 * promql.parse_duration(interval):
        seconds = f"{call.window.total_seconds():g}"
        faults.append(Fault(f"{call.name} over {seconds} s never has two values: there is one every {interval}"))
    return _returned(call), faults


def _wrong_kind(call: Call) -> Iterator[Fault]:
    vector = call.vector
    if vector.anything:
        return
    if call.name in _OF_COUNTERS and vector.aggregated:
        yield Fault(f"{call.name} of a sum sees no restart; take the sum of the {call.name}")
    elif call.name in _OF_COUNTERS and vector.kind == "gauge":
        yield Fault(f"{call.given} is a gauge and has no {call.name}", "delta, or itself")
    elif call.name in _OF_GAUGES and vector.kind != "gauge":
        yield Fault(f"{call.given} is a counter and has no {call.name}", "rate or increase")


def _returned(call: Call) -> Shape:
    vector = call.vector
    if call.name == "vector":
        return Shape()
    if vector.scalar or call.name in _SCALARS:
        return Shape(scalar=True, unit=vector.unit)
    if call.name in _OF_COUNTERS or call.name == "deriv":
        if vector.kind == "bucket":  # their unit is that of the bounds, which stay what they are
            return vector.value(kind="rate of buckets")
        return vector.value(unit=vector.unit.per_second() if vector.unit and call.name != "increase" else vector.unit)
    if call.name in _OTHER:
        return vector.value(unit=None)
    return vector.value(bounds=vector.bounds if call.name in _SAME else None)


def _quantile(call: Call) -> tuple[Shape, list[Fault]]:
    vector = call.vector
    if vector.anything:
        return UNKNOWN, []
    if "le" not in vector.labels:
        lost = vector.kind != "gauge" or vector.highest is not None
        why = "its argument has lost the label le" if lost else "what it is given has no buckets"
        return vector.value(), [Fault(f"histogram_quantile: {why}", "sum by (le, ...) (rate(..._bucket[5m]))")]
    return vector.without(["le"]).value(), []


def _relabelled(call: Call) -> tuple[Shape, list[Fault]]:
    vector, target = call.vector, call.texts[1] or ""
    sources = [call.texts[3]] if call.name == "label_replace" else list(call.texts[3:])
    faults = [
        Fault(f"{call.name}: {call.given} has no label {source}", nearest(source, vector.labels))
        for source in sources
        if source and not vector.has(source)
    ]
    values: Values = None
    if call.name == "label_replace":
        values = _replaced(vector.labels.get(call.texts[3] or "", frozenset({""})), call.texts[2], call.texts[4])
    return replace(vector, labels={**vector.labels, target: values}), faults


def _replaced(sources: Values, template: str | None, pattern: str | None) -> Values:
    """Write what label_replace makes of *sources*; None if that cannot be told."""
    if sources is None or template is None or pattern is None:
        return None
    matches = [re.fullmatch(pattern, source) for source in sources]
    if not all(matches):
        return None
    return frozenset(match.expand(re.sub(r"\$\{?(\d+)\}?", r"\\g<\1>", template)) for match in matches if match)
