"""Table panels: columns of a width at which all fit."""

from collections.abc import Mapping
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.lines import cut, fitted
from cdb.dashboard.model.colours import FAINT
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import Answer
from cdb.dashboard.model.tables import shown, table_of

_GAP: Final = "  "
_NARROWEST: Final = 6


def draw(panel: Panel, answer: Answer, width: int, height: int) -> list[Text]:
    """Draw the table with its head; columns of figures stand to the right."""
    table = table_of(panel, answer)
    columns = {
        heading: [(heading, f"bold {FAINT}"), *(shown(look, row.get(heading)) for row in table.rows)]
        for heading, look in table.columns.items()
    }
    widths = _widths({name: max(cell_len(text) for text, _ in cells) for name, cells in columns.items()}, width)
    lines = [
        Text(_GAP, no_wrap=True).join(
            fitted(text, wide, style, "right" if name in table.figures else "left")
            for name, wide in widths.items()
            for text, style in [columns[name][at]]
        )
        for at in range(1 + len(table.rows))
    ]
    return [lines[0], *cut(lines[1:], height - 1)]


def rows(panel: Panel, answer: Answer, _width: int) -> int:
    """Lines that the whole table needs."""
    return 1 + len(table_of(panel, answer).rows)


def _widths(wanted: Mapping[str, int], width: int) -> dict[str, int]:
    """Make the widest column give way until all fit; leave out the last ones if that is not enough."""
    found = dict(wanted)
    while (over := sum(found.values()) + len(_GAP) * (len(found) - 1) - width) > 0:
        widest = max(found, key=lambda name: found[name])
        if found[widest] > _NARROWEST:
            found[widest] = max(_NARROWEST, found[widest] - over)
        elif len(found) > 1:
            found.popitem()
        else:
            break
    return found
