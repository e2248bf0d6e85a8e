"""What Prometheus answers to the queries of a panel, named as the panel's legend wants it."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import fsum
from operator import itemgetter
from statistics import fmean
from typing import Final

from cdb.dashboard.model.model import Panel, Query
from cdb.kit.prometheus import Sample
from cdb.kit.prometheus import Series as Found

_newest: Final = itemgetter(-1)
_CALCULATIONS: Final[dict[str, Callable[[list[float]], float]]] = {
    "mean": fmean,
    "sum": fsum,
    "max": max,
    "min": min,
    "firstNotNull": itemgetter(0),
}
_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Series:
    """One series: *points* are (Unix time in seconds, value), oldest first, never none."""

    name: str
    points: tuple[tuple[float, float], ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    ref_id: str = "A"

    @property
    def last(self) -> float:
        """Return the newest value that is a number, NaN if none is."""
        return next((value for _, value in reversed(self.points) if not math.isnan(value)), math.nan)


@dataclass(frozen=True)
class Answer:
    """What a panel shows: its series, or why there are none."""

    series: tuple[Series, ...] = ()
    error: str = ""

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to show."""
        return not any(not math.isnan(series.last) for series in self.series)


def from_samples(panel: Panel, query: Query, samples: tuple[Sample, ...]) -> tuple[Series, ...]:
    """Return the answer to an instant *query* of *panel*."""
    alone = len(samples) == 1
    return tuple(_series(panel, query, s.labels, ((s.at, s.value),), alone=alone) for s in samples)


def from_range(panel: Panel, query: Query, found: tuple[Found, ...]) -> tuple[Series, ...]:
    """Return the answer to a range *query* of *panel*."""
    alone = len(found) == 1
    return tuple(_series(panel, query, one.labels, one.points, alone=alone) for one in found if one.points)


def _series(
    panel: Panel, query: Query, labels: Mapping[str, str], points: tuple[tuple[float, float], ...], *, alone: bool
) -> Series:
    shown = {name: value for name, value in labels.items() if name != "__name__"}
    name = _named(query.legend_format, shown) or _by_labels(shown)
    return Series(name or (panel.title if alone else query.ref_id), points, shown, query.ref_id)


def _named(legend: str, labels: Mapping[str, str]) -> str:
    if legend == "__auto":
        return ""
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend).strip()


def _by_labels(labels: Mapping[str, str]) -> str:
    return ", ".join(labels.values() if len(labels) == 1 else (f"{name}={value}" for name, value in labels.items()))


def reduced(panel: Panel, series: Series) -> float:
    """Return the one figure that *panel* makes of *series*: the newest, or what its first calculation says."""
    numbers = [value for _, value in series.points if not math.isnan(value)]
    calculations = panel.options.get("reduceOptions", {}).get("calcs") or ["lastNotNull"]
    return _CALCULATIONS.get(calculations[0], _newest)(numbers) if numbers else math.nan
