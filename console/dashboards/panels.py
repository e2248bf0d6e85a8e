"""What the templates show of each panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from markupsafe import Markup

from cdb.dashboard.model.ask import Snapshot, Window
from cdb.dashboard.model.axis import axis_of
from cdb.dashboard.model.curves import Entry, legend
from cdb.dashboard.model.dashboards import Link, Panel
from cdb.dashboard.model.fields import Answer, Field, said
from cdb.dashboard.model.shares import bars, slices
from cdb.dashboard.model.tables import Table, shown, table_of
from cdb.dashboard.model.traces import TracePoint
from cdb.dashboard.model.units import formatted
from console.dashboards.charts import STEPS, chart

DRAWN: Final = frozenset({"timeseries", "gauge", "piechart"})
"""Types that the script draws."""
SLOWEST: Final = 10
_NO_TAG: Final = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


@dataclass(frozen=True)
class Shown:
    """A panel with its answer. *said* stands in place of a picture that there is not."""

    panel: Panel
    id: str
    answer: Answer
    window: Window
    points: Sequence[TracePoint] = ()

    @property
    def said(self) -> str:
        return said(self.panel, self.answer)

    @property
    def drawn(self) -> bool:
        """Whether the script draws this panel."""
        return self.panel.type in DRAWN

    @property
    def data(self) -> Markup:
        """What the script draws, as JSON that cannot end its element."""
        return as_script(chart(self.panel, self.answer, self.window, self.points))

    @property
    def legend(self) -> list[Entry]:
        """The series of a chart with their newest values, and its limits."""
        return legend(self.answer, axis_of(self.answer, STEPS))

    @property
    def limits(self) -> list[tuple[str, str]]:
        """Where the zones of a gauge begin, each with its colour, and the upper end."""
        look = self.answer.fields[0].look
        zones = [(look.short(at), code) for at, code in look.limits if look.low < at < look.high]
        return [*zones, (look.short(look.high), "")]

    @property
    def bars(self) -> list[tuple[Field, float]]:
        """Figures of a bar gauge and how much of a bar each fills, in percent."""
        return [(field, round(100 * min(max(share, 0.0), 1.0), 2)) for field, share in bars(self.answer)]

    @property
    def slices(self) -> list[tuple[Field, str]]:
        """Figures of a pie and the share of each."""
        return [(field, f"{100 * share:.0f}%") for field, share in slices(self.answer)]

    @property
    def table(self) -> Table:
        return table_of(self.panel, self.answer)

    @property
    def cells(self) -> list[list[tuple[str, str, bool]]]:
        """Rows of the table: text, colour and whether the column has figures."""
        table = self.table
        return [
            [(*shown(look, row.get(name)), name in table.figures) for name, look in table.columns.items()]
            for row in table.rows
        ]

    @property
    def slowest(self) -> list[tuple[TracePoint, str]]:
        """The largest of the points that lead to traces, each as it is written."""
        unit = self.panel.field_config.defaults.unit
        largest = sorted(self.points, key=lambda point: point.value, reverse=True)[:SLOWEST]
        return [(point, formatted(point.value, unit)) for point in largest]


def panels_of(snapshot: Snapshot, points: Mapping[int, Sequence[TracePoint]]) -> list[Shown]:
    """Every panel of *snapshot*, with its *points* by Python's id() of the panel."""
    return [
        Shown(panel, f"p{at}", snapshot.answers[id(panel)], snapshot.window, points.get(id(panel), ()))
        for at, panel in enumerate(snapshot.dashboard.shown)
    ]


def links_of(panel: Panel, *, dashboards: Mapping[str, object], runbooks: frozenset[str]) -> list[tuple[str, str]]:
    """Titles and addresses of the links of *panel* that lead to a page of ours; Grafana alone has the others."""
    found = [_own(link, dashboards, runbooks) for link in (*panel.links, *panel.field_config.defaults.links)]
    return [one for one in found if one is not None]


def _own(link: Link, dashboards: Mapping[str, object], runbooks: frozenset[str]) -> tuple[str, str] | None:
    parts = urlsplit(link.url)
    path = PurePosixPath(parts.path)
    if path.parts[1:2] == ("d",) and len(path.parts) > 2 and path.parts[2] in dashboards and not parts.netloc:
        return link.title, link.url
    if path.parts[1:2] == ("consoles",) and path.stem in runbooks:
        return link.title, f"/runbooks/{path.stem}"
    return None


def as_script(value: dict[str, Any]) -> Markup:
    """JSON of *value* for a <script type="application/json">; what is no number is null."""
    return Markup(msgspec.json.encode(value).decode().translate(_NO_TAG))  # noqa: S704  no tag is left in it
