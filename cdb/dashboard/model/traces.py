"""Points on a panel that lead to traces: exemplars of the histograms that its queries read."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.dashboards import Dashboard, Panel
from cdb.dashboard.model.variables import UnknownVariable, substitute
from cdb.kit.errors import Away
from cdb.kit.prometheus import Exemplar, Prometheus, QueryRefused

MOST: Final = 200
_SLOTS: Final = 40
_TRACE: Final = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class TracePoint:
    """An observation at the Unix time *at*, and the trace that it was made in."""

    at: float
    value: float
    trace_id: str

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


def trace_points(panel: Panel, dashboard: Dashboard, window: Window, prometheus: Prometheus) -> tuple[TracePoint, ...]:
    """Ask for the exemplars of those queries of *panel* that want them; without an answer there are none."""
    asked = [query.expr for query in panel.targets if query.exemplar and not query.hide]
    try:
        texts = dict.fromkeys(substitute(one, dashboard, window.choice, window.range_s) for one in asked)
        found = [one for text in texts for one in prometheus.exemplars(text, start=window.start, end=window.end)]
    except (Away, QueryRefused, UnknownVariable):
        return ()
    return thinned(found, window)


def thinned(found: Iterable[Exemplar], window: Window) -> tuple[TracePoint, ...]:
    """Keep at most MOST of *found*, oldest first: in each part of *window* the largest, for slow is what one looks for.

    A trace has one point: that of its largest value.
    """
    by_trace: dict[str, TracePoint] = {}
    for one in found:
        trace_id = one.labels.get("trace_id", "")
        known = by_trace.get(trace_id)
        if _TRACE.fullmatch(trace_id) and (known is None or one.value > known.value):
            by_trace[trace_id] = TracePoint(one.at, one.value, trace_id)
    slots: defaultdict[int, list[TracePoint]] = defaultdict(list)
    for point in by_trace.values():
        slots[int(_SLOTS * (point.at - window.start) / window.range_s)].append(point)
    kept = (
        point
        for slot in slots.values()
        for point in sorted(slot, key=lambda one: one.value, reverse=True)[: MOST // _SLOTS]
    )
    return tuple(sorted(kept, key=lambda one: one.at))[-MOST:]
