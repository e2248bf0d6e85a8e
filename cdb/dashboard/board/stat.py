"""Stat panels: figures that are read at a glance."""

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.lines import cut, fitted, joined, middle
from cdb.dashboard.model.colours import FAINT, PLAIN
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import Answer, Field

_GAP = 2


def draw(panel: Panel, answer: Answer, width: int, height: int) -> list[Text]:
    """One figure in the middle, or several with their names; one has its name below it where the panel says so."""
    if len(answer.fields) == 1:
        (field,) = answer.fields
        lines = [fitted(field.text, width, _style(panel, field), "center")]
        if panel.options.named:
            lines.append(fitted(field.name, width, FAINT, "center"))
        return middle(lines, width, height)
    return cut(middle(_together(panel, answer, width), width, height), height)


def rows(panel: Panel, answer: Answer, width: int) -> int:
    """Lines that the figures need."""
    if len(answer.fields) == 1:
        return 2 if panel.options.named else 1
    return len(_together(panel, answer, width))


def _style(panel: Panel, field: Field) -> str:
    return f"bold {'#111111 on ' if panel.options.on_colour else ''}{field.colour}"


def _together(panel: Panel, answer: Answer, width: int) -> list[Text]:
    """Figures in as many columns as fit, each after its name."""
    names = max(cell_len(field.name) for field in answer.fields)
    texts = max(cell_len(field.text) for field in answer.fields) + 2
    cell = min(names + 1 + texts, width)
    columns = max(1, min(len(answer.fields), (width + _GAP) // (cell + _GAP)))
    lines = []
    for first in range(0, len(answer.fields), columns):
        parts = []
        for field in answer.fields[first : first + columns]:
            name = fitted(field.name, max(1, min(names, cell - texts - 1)), PLAIN)
            parts += [name, Text(" "), fitted(f" {field.text} ", texts, _style(panel, field)), Text(" " * _GAP)]
        lines.append(joined(parts[:-1]))
    return lines
