"""The kinds of panels that are drawn, by Grafana's name of the type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from cdb.dashboard.board import bars, chart, stat, table
from cdb.dashboard.board.lines import centred
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.colours import BAD, FAINT
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import Answer, said


@dataclass(frozen=True)
class Kind:
    """How one type of panel is drawn: inside so many cells and lines, the lines that it needs, its least width."""

    draw: Callable[[Panel, Answer, int, int, Window], list[Text]]
    rows: Callable[[Panel, Answer, int], int]
    narrowest: int


def _row_each(_panel: Panel, answer: Answer, _width: int) -> int:
    return len(answer.fields)


KINDS: Final[dict[str, Kind]] = {
    "stat": Kind(lambda p, a, w, h, _: stat.draw(p, a, w, h), stat.rows, 16),
    "gauge": Kind(lambda _p, a, w, h, _: bars.gauge(a, w, h), lambda _p, a, _w: 3 * len(a.fields), 24),
    "bargauge": Kind(lambda _p, a, w, h, _: bars.bar_gauge(a, w, h), _row_each, 38),
    "piechart": Kind(lambda _p, a, w, h, _: bars.pie(a, w, h), _row_each, 38),
    "table": Kind(lambda p, a, w, h, _: table.draw(p, a, w, h), table.rows, 38),
    "timeseries": Kind(lambda _, a, w, h, window: chart.draw(a, w, h, window), lambda _, a, w: chart.rows(a, w), 38),
}


_UNKNOWN: Final = Kind(lambda *_: [], lambda *_: 1, 30)


def drawn(panel: Panel, answer: Answer, width: int, height: int, window: Window) -> list[Text]:
    """Draw what is inside a panel: its picture, or why there is none."""
    if text := said(panel, answer):
        return centred(text, width, height, BAD if answer.error else FAINT)
    lines = _kind(panel).draw(panel, answer, width, height, window)[:height]
    for line in lines:
        line.truncate(width)  # on the narrowest terminals figures give way, never the frame
    return lines


def rows(panel: Panel, answer: Answer, width: int) -> int:
    """Lines that *panel* needs inside at this width."""
    return 1 if answer.empty else _kind(panel).rows(panel, answer, width)


def narrowest(panel: Panel) -> int:
    """Least width of *panel* with its border."""
    return _kind(panel).narrowest


def _kind(panel: Panel) -> Kind:
    return KINDS.get(panel.type, _UNKNOWN)
