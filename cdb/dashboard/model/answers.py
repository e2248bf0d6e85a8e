"""What Prometheus answers to the queries of a panel, named as the panel's legend wants it."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cdb.dashboard.model.dashboards import Panel, Query

Points = tuple[tuple[float, float], ...]
"""Unix time in seconds and value, oldest first."""
_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Series:
    """One series, which has at least one point."""

    name: str
    points: Points
    labels: Mapping[str, str] = field(default_factory=dict)
    ref_id: str = "A"
    config: Mapping[str, Any] = field(default_factory=dict)
    """Settings that another query gives to this series."""

    @property
    def last(self) -> float:
        """Newest value that is a number, NaN if none is."""
        return next((value for _, value in reversed(self.points) if not math.isnan(value)), math.nan)


def series_of(panel: Panel, query: Query, found: Iterable[tuple[Mapping[str, str], Points]]) -> tuple[Series, ...]:
    """Name what was *found*, labels and points of each series, in answer to *query*."""
    found = [({n: v for n, v in labels.items() if n != "__name__"}, points) for labels, points in found if points]
    otherwise = panel.title if len(found) == 1 else query.ref_id
    return tuple(
        Series(_named(query.legend_format, labels) or otherwise, points, labels, query.ref_id)
        for labels, points in found
    )


def _named(legend: str, labels: Mapping[str, str]) -> str:
    named = "" if legend == "__auto" else _LABEL.sub(lambda found: labels.get(found[1], ""), legend).strip()
    by_labels = labels.values() if len(labels) == 1 else (f"{name}={value}" for name, value in labels.items())
    return named or ", ".join(by_labels)
