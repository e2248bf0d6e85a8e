"""Ask for everything that one frame shows, at one time."""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cdb.dashboard.model.answers import Series, series_of
from cdb.dashboard.model.dashboards import Dashboard, Panel, Query
from cdb.dashboard.model.fields import Answer, answered
from cdb.dashboard.model.supported import unsupported
from cdb.dashboard.model.variables import Choice, UnknownVariable, substitute
from cdb.kit.errors import Away
from cdb.kit.prometheus import Prometheus, QueryRefused
from services import durations

_AT_ONCE: Final = 2
"""More would take all processors of a small machine at once, and trading waits meanwhile."""
_SMALLEST_STEP_S: Final = 5.0
_POINTS: Final = 180
_LEAST_RANGE_S: Final = 60.0


@dataclass(frozen=True)
class Window:
    """The time that a frame shows, up to the Unix time *end*, and the chosen values of variables."""

    end: float
    range_s: float
    choice: Choice = field(default_factory=dict)

    @property
    def start(self) -> float:
        """Unix time at which it begins."""
        return self.end - self.range_s

    @property
    def length(self) -> str:
        """Length as it is read: 15m."""
        return durations.written(timedelta(seconds=self.range_s))

    @property
    def step_s(self) -> float:
        """Seconds from one point to the next."""
        return max(_SMALLEST_STEP_S, round(self.range_s / _POINTS))


@dataclass(frozen=True)
class Snapshot:
    """A dashboard at one time."""

    dashboard: Dashboard
    window: Window
    answers: Mapping[int, Answer]
    """By Python's id() of the panel: that of Grafana may be missing, or there twice."""


def ask(dashboard: Dashboard, window: Window, prometheus: Prometheus) -> Snapshot:
    """Ask for all panels at once; one that fails says why and hinders no other."""

    def answer(panel: Panel) -> Answer:
        try:
            if refused := unsupported(panel):
                return Answer(error=str(refused[0]))
            return answered(panel, [one for query in panel.targets if not query.hide for one in series(panel, query)])
        except (Away, QueryRefused, UnknownVariable) as error:
            return Answer(error=str(error))

    def series(panel: Panel, query: Query) -> tuple[Series, ...]:
        expression = substitute(query.expr, dashboard, window.choice, window.range_s)
        if query.instant:
            samples = prometheus.query(expression, window.end)
            return series_of(panel, query, ((one.labels, ((one.at, one.value),)) for one in samples))
        found = prometheus.query_range(expression, start=window.start, end=window.end, step=window.step_s)
        return series_of(panel, query, ((one.labels, one.points) for one in found))

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="panel") as pool:
        answers = pool.map(answer, dashboard.shown)
        by_panel = {id(panel): one for panel, one in zip(dashboard.shown, answers, strict=True)}
        return Snapshot(dashboard, window, by_panel)


def since_first(prometheus: Prometheus, end: float, longest_s: float) -> float:
    """Seconds from the first figure that Prometheus has until *end*, at least a minute; *longest_s* if unknown."""
    step = longest_s / _POINTS
    try:
        known = prometheus.query_range("max(up)", start=end - longest_s, end=end, step=step)
    except (Away, QueryRefused):
        return longest_s  # each panel will say why in its place
    first = min((series.points[0][0] for series in known if series.points), default=end)
    return min(longest_s, max(_LEAST_RANGE_S, math.ceil((end - first + step) / _LEAST_RANGE_S) * _LEAST_RANGE_S))
