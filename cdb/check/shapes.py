"""What an expression returns, as far as it can be told without asking: labels with their values, unit, bounds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cdb.check.known_metrics import Values
from cdb.check.units import Bounds, Unit

Kind = Literal["counter", "gauge", "bucket", "rate of buckets"]


@dataclass(frozen=True)
class Shape:
    """A vector, or a number if *number* or *scalar* says so."""

    labels: Mapping[str, Values] = field(default_factory=dict)
    exact: bool = True  # every series has precisely these labels
    anything: bool = False  # nothing is known of the labels: the metric is unknown
    kind: Kind = "gauge"
    unit: Unit | None = None
    bounds: Bounds | None = None
    highest: float | None = None  # the highest bucket of the histogram that this is about
    name: str = ""  # of the metric, as long as the value is its own
    aggregated: bool = False  # summed up: a reset of one series no longer shows
    scalar: bool = False
    number: float | None = None
    absent: bool = False  # a metric that it needs has no series before it has a value
    conditional: bool = False  # only what meets a condition is left

    def has(self, label: str) -> bool:
        """Tell whether a series can have *label*."""
        return self.anything or label in self.labels

    def value(self, **change: object) -> "Shape":
        """Shape what is computed from this: it is no longer the metric's own value."""
        return replace(self, **{"kind": "gauge", "name": "", "bounds": None, **change})  # type: ignore[arg-type]

    def only(self, labels: Iterable[str]) -> "Shape":
        """Keep no other labels than *labels*."""
        kept = {label: self.labels.get(label) for label in labels if self.has(label)}
        return replace(self, labels=kept, anything=False, exact=self.exact or len(kept) == 0)

    def without(self, labels: Iterable[str]) -> "Shape":
        """Take *labels* away."""
        gone = set(labels)
        return replace(self, labels={name: values for name, values in self.labels.items() if name not in gone})


UNKNOWN = Shape(anything=True, exact=False)


def either(left: Shape, right: Shape) -> Shape:
    """Shape what `left or right` returns."""
    shared = left.labels.keys() & right.labels.keys()
    return Shape(
        {**left.labels, **right.labels, **{n: _united(left.labels[n], right.labels[n]) for n in shared}},
        exact=left.exact and right.exact and left.labels.keys() == right.labels.keys(),
        anything=left.anything or right.anything,
        unit=left.unit or right.unit,
        kind=left.kind if left.kind == right.kind else "gauge",
        highest=left.highest if left.highest == right.highest else None,
        absent=left.absent and right.absent,
        conditional=left.conditional and right.conditional,
    )


def _united(left: Values, right: Values) -> Values:
    return None if left is None or right is None else left | right


def mismatch(left: Shape, right: Shape, labels: Iterable[str] | None) -> str:
    """Say why no series of *left* can meet one of *right* on *labels*, on all of them for None; nothing if one can."""
    if left.anything or right.anything:
        return ""
    if labels is None and left.exact and right.exact and left.labels.keys() != right.labels.keys():
        first, second = (", ".join(sorted(side.labels)) for side in (left, right))
        return f"the left side has the labels ({first}), the right side ({second})"
    for label in sorted(labels if labels is not None else left.labels.keys() & right.labels.keys()):
        mine, other = left.labels.get(label), right.labels.get(label)
        if mine is not None and other is not None and not mine & other:
            return f"{label} is {_some(mine)} on the left and {_some(other)} on the right"
    return ""


def _some(values: frozenset[str]) -> str:
    first = sorted(values)[:3]
    return ", ".join(first) + (" ..." if len(values) > 3 else "")
