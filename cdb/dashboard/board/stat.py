"""Stat panels: figures that are read at a glance."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.answers import Answer, Series, reduced
from cdb.dashboard.board.colours import PLAIN
from cdb.dashboard.board.lines import cut, fitted, joined, middle, spark
from cdb.dashboard.board.look import look_of
from cdb.dashboard.model.model import Panel

_GAP = 2


@dataclass(frozen=True)
class _Figure:
    name: str
    text: str
    style: str
    colour: str
    series: Series


def draw(panel: Panel, answer: Answer, width: int, height: int) -> list[Text]:
    """Return one large figure with its recent run below it, or several with their names."""
    figures = [_figure(panel, series) for series in answer.series]
    if len(figures) == 1:
        return _alone(panel, figures[0], width, height)
    return cut(middle(_together(figures, width), width, height), height)


def rows(panel: Panel, answer: Answer, width: int) -> int:
    """Return how many lines the figures of *answer* need."""
    return 1 if len(answer.series) == 1 else len(_together([_figure(panel, one) for one in answer.series], width))


def _figure(panel: Panel, series: Series) -> _Figure:
    look = look_of(panel, series.name, series.ref_id)
    value = reduced(panel, series)
    colour = look.colour(value)
    on_background = panel.options.get("colorMode") in {"background", "background_solid"}
    if panel.options.get("colorMode") == "none":
        colour = PLAIN
    style = f"bold #111111 on {colour}" if on_background else f"bold {colour}"
    return _Figure(look.name or series.name, look.text(value), style, colour, series)


def _alone(panel: Panel, figure: _Figure, width: int, height: int) -> list[Text]:
    on_background = " on " in figure.style
    line = fitted(f" {figure.text} " if on_background else figure.text, width, figure.style, "center")
    has_run = panel.options.get("graphMode", "area") != "none" and len(figure.series.points) > 1
    if height < 2 or not has_run:
        return middle([line], width, height)
    run = spark([value for _, value in figure.series.points], width, figure.colour)
    return middle([line, run], width, height)


def _together(figures: list[_Figure], width: int) -> list[Text]:
    """Return *figures* in as many columns as fit, each with its name before it."""
    names = max(cell_len(figure.name) for figure in figures)
    texts = max(cell_len(figure.text) for figure in figures) + 2
    cell = min(names + 1 + texts, width)
    columns = max(1, min(len(figures), (width + _GAP) // (cell + _GAP)))
    lines = []
    for first in range(0, len(figures), columns):
        parts = []
        for figure in figures[first : first + columns]:
            named = fitted(figure.name, max(1, min(names, cell - texts - 1)), PLAIN)
            parts += [named, Text(" "), fitted(f" {figure.text} ", texts, figure.style), Text(" " * _GAP)]
        lines.append(joined(parts[:-1]))
    return lines
