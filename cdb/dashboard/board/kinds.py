"""The kinds of panels that are drawn, by Grafana's name of the type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from cdb.dashboard.board import bars, chart, stat, table
from cdb.dashboard.board.answers import Answer
from cdb.dashboard.board.ask import Window
from cdb.dashboard.board.colours import BAD, FAINT
from cdb.dashboard.board.lines import centred
from cdb.dashboard.model.model import Panel

NO_DATA: Final = "No data"
_WITHOUT_KIND: Final = 30


@dataclass(frozen=True)
class Kind:
    """How one type of panel is drawn: inside so many cells and lines, the lines that it needs, its least width."""

    draw: Callable[[Panel, Answer, int, int, Window], list[Text]]
    rows: Callable[[Panel, Answer, int], int]
    narrowest: int


def _row_each(_panel: Panel, answer: Answer, _width: int) -> int:
    return len(answer.series)


_BAR_GAUGE: Final = Kind(lambda p, a, w, h, _: bars.bar_gauge(p, a, w, h), _row_each, 38)
KINDS: Final[dict[str, Kind]] = {
    "stat": Kind(lambda p, a, w, h, _: stat.draw(p, a, w, h), stat.rows, 16),
    "gauge": Kind(lambda p, a, w, h, _: bars.gauge(p, a, w, h), lambda _p, a, _w: 3 * len(a.series), 24),
    "bargauge": _BAR_GAUGE,
    "barchart": _BAR_GAUGE,
    "piechart": Kind(lambda p, a, w, h, _: bars.pie(p, a, w, h), _row_each, 38),
    "table": Kind(lambda p, a, w, h, _: table.draw(p, a, w, h), lambda p, a, _: table.rows(p, a), 38),
    "timeseries": Kind(chart.draw, chart.rows, 38),
}


def drawn(panel: Panel, answer: Answer, width: int, height: int, window: Window) -> list[Text]:
    """Return what is inside a panel: its picture, or why there is none."""
    kind = KINDS.get(panel.type)
    if answer.error or kind is None:
        said = answer.error or f"a panel of type {panel.type} is not drawn here: {', '.join(KINDS)} are"
        return centred(said, width, height, BAD)
    if answer.empty:
        return centred(panel.field_config.defaults.no_value or NO_DATA, width, height, FAINT)
    lines = kind.draw(panel, answer, width, height, window)[:height]
    for line in lines:
        line.truncate(width)  # on the narrowest terminals figures give way, never the frame
    return lines


def rows(panel: Panel, answer: Answer, width: int) -> int:
    """Return the lines that *panel* needs inside, if it is so wide."""
    kind = KINDS.get(panel.type)
    return 1 if kind is None or answer.empty else kind.rows(panel, answer, width)


def narrowest(panel: Panel) -> int:
    """Return the least width of *panel* with its border."""
    kind = KINDS.get(panel.type)
    return kind.narrowest if kind else _WITHOUT_KIND
