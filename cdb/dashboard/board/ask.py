"""Ask for everything that one frame shows, at one time."""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from cdb.dashboard.board.answers import Answer, Series, from_range, from_samples
from cdb.dashboard.model.model import Dashboard, Panel, Query
from cdb.dashboard.model.variables import Choice, Interval, UnknownVariable, substitute
from cdb.kit.errors import Away
from cdb.kit.prometheus import Prometheus, QueryRefused

_AT_ONCE: Final = 8
_SMALLEST_STEP_S: Final = 5.0
_POINTS: Final = 180
_LEAST_RANGE_S: Final = 60.0


def since_first(prometheus: Prometheus, end: float, longest_s: float) -> float:
    """Return how many seconds before *end* the first figure is, at least a minute; *longest_s* if more or not known."""
    step = longest_s / _POINTS
    try:
        known = prometheus.query_range("max(up)", start=end - longest_s, end=end, step=step)
    except (Away, QueryRefused):
        return longest_s  # each panel will say why in its place
    first = min((series.points[0][0] for series in known if series.points), default=end)
    return min(longest_s, max(_LEAST_RANGE_S, math.ceil((end - first + step) / _LEAST_RANGE_S) * _LEAST_RANGE_S))


@dataclass(frozen=True)
class Window:
    """The time that a frame shows, up to the Unix time *end*, and the chosen values of variables."""

    end: float
    range_s: float
    choice: Choice = field(default_factory=dict)

    @property
    def start(self) -> float:
        """Return the Unix time at which it begins."""
        return self.end - self.range_s

    @property
    def step_s(self) -> float:
        """Return the seconds from one point to the next."""
        return max(_SMALLEST_STEP_S, round(self.range_s / _POINTS))


def ask(dashboard: Dashboard, window: Window, prometheus: Prometheus) -> Mapping[int, Answer]:
    """Return the answer for each panel of *dashboard*, by its id; one that fails says why and hinders no other."""

    def one(panel: Panel) -> Answer:
        try:
            return Answer(tuple(s for query in panel.targets if not query.hide for s in _asked(panel, query)))
        except (Away, QueryRefused, UnknownVariable) as error:
            return Answer(error=str(error))

    def _asked(panel: Panel, query: Query) -> tuple[Series, ...]:
        interval = Interval(range_s=window.range_s, step_s=window.step_s)
        expression = substitute(query.expr, dashboard, window.choice, interval)
        if query.instant and not query.range:
            return from_samples(panel, query, prometheus.query(expression, window.end))
        found = prometheus.query_range(expression, start=window.start, end=window.end, step=window.step_s)
        return from_range(panel, query, found)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="panel") as pool:
        answers = pool.map(one, dashboard.shown)
        return {panel.id: answer for panel, answer in zip(dashboard.shown, answers, strict=True)}
