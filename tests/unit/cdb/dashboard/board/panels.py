"""The real panels of the committed dashboards, with answers made by hand."""

from rich.text import Text

from cdb.dashboard.board.kinds import drawn
from cdb.dashboard.model.answers import Series, series_of
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.dashboards import Dashboard, Panel, load_dashboards
from cdb.dashboard.model.fields import Answer, answered
from tests.support.paths import ROOT

WINDOW = Window(end=1_700_000_000.0, range_s=900.0)
BOARDS: dict[str, Dashboard] = {board.uid: board for board in load_dashboards(ROOT).read.values()}


def panel(title: str) -> Panel:
    """The only panel called *title*."""
    (found,) = [one for board in BOARDS.values() for one in board.shown if one.title == title]
    return found


def now(shown: Panel, *values: tuple[dict[str, str], float], query: int = 0) -> tuple[Series, ...]:
    """The answer to an instant query: labels and value of each series."""
    return series_of(shown, shown.targets[query], ((labels, ((WINDOW.end, value),)) for labels, value in values))


def over_time(shown: Panel, *runs: tuple[dict[str, str], list[float]], query: int = 0) -> tuple[Series, ...]:
    """The answer to a range query: labels and values of each series, the last value at the window's end."""
    found = (
        (labels, tuple((WINDOW.end - 5.0 * (len(run) - 1 - at), value) for at, value in enumerate(run)))
        for labels, run in runs
    )
    return series_of(shown, shown.targets[query], found)


def lines(shown: Panel, *series: Series, width: int = 60, height: int = 12, error: str = "") -> list[Text]:
    """What is drawn inside the panel."""
    return drawn(shown, Answer(error=error) if error else answered(shown, series), width, height, WINDOW)


def plain(drawn_lines: list[Text]) -> str:
    """Lines without colours."""
    return "\n".join(line.plain for line in drawn_lines)


def colours(drawn_lines: list[Text], text: str) -> set[str]:
    """The styles in which *text* is drawn."""
    found = set()
    for line in drawn_lines:
        start = line.plain.find(text)
        if start >= 0:
            found |= {str(line.style)} if line.style else set()
            found |= {str(span.style) for span in line.spans if span.start <= start < span.end}
    return found
