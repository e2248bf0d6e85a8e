"""One frame: every panel of a dashboard with its answer, on as many cells as there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel as Box
from rich.segment import Segment, Segments
from rich.text import Text

from cdb.dashboard.board import kinds
from cdb.dashboard.board.layout import Place, placed
from cdb.dashboard.board.lines import fitted
from cdb.dashboard.model.ask import Snapshot
from cdb.dashboard.model.colours import BAD, FAINT, PLAIN
from cdb.dashboard.model.dashboards import Panel

_BORDER: Final = 2
_SIDES: Final = 4
_ROWS_OF_GRID: Final = 1.25
"""Rows of a terminal for one of Grafana's: its panels are 38 pixels a row, a line of text about 20."""

Line = list[Segment]


@dataclass(frozen=True)
class Frame:
    """Draws what is *shown*."""

    shown: Snapshot

    def lines(self, console: Console, *, height: int | None = None) -> list[Line]:
        """Draw the frame as wide as *console*, and as low as *height* if it can be."""
        scale = _ROWS_OF_GRID
        places = self._placed(console.width, scale)
        while height is not None and _bottom(places) > height and scale > 0.5:
            scale -= 0.1
            places = self._placed(console.width, scale)
        drawn = {id(place): self._drawn(console, place) for place in places}
        ordered = sorted(places, key=lambda place: place.x)
        return [[s for place in ordered for s in drawn[id(place)].get(y, ())] for y in range(_bottom(places))]

    def head(self, width: int, note: str = "") -> Text:
        """Line above the panels: title, time, range and variables as far as they fit, *note* at the right end."""
        window = self.shown.window
        until = datetime.fromtimestamp(window.end).astimezone()
        said = [f"{until:%Y-%m-%d %H:%M:%S}", f"last {window.length}"]
        names = (variable.name for variable in self.shown.dashboard.variables)
        said += [f"{name} {', '.join(window.choice.get(name, ())) or 'all'}" for name in names]
        line = Text(self.shown.dashboard.title, f"bold {PLAIN}", no_wrap=True)
        line.append("".join(f"  ·  {text}" for text in said), FAINT)
        kept_free = len(note) + 2 if note else 0
        line.truncate(max(0, width - kept_free), overflow="ellipsis")
        line.append_text(fitted(note, width - line.cell_len, FAINT, "right"))
        return line

    def _placed(self, width: int, scale: float) -> list[Place]:
        def rows(panel: Panel, wide: int) -> int:
            needed = kinds.rows(panel, self.shown.answers[id(panel)], wide - _SIDES)
            return max(_BORDER + needed, round(panel.grid_pos.h * scale))

        return placed(self.shown.dashboard.shown, width, least=kinds.narrowest, rows=rows)

    def _drawn(self, console: Console, place: Place) -> dict[int, Line]:
        """Lines of *place* by their number in the frame."""
        answer = self.shown.answers[id(place.panel)]
        inner = place.width - _SIDES, place.height - _BORDER
        framed = Box(
            Group(*kinds.drawn(place.panel, answer, *inner, self.shown.window)),
            title=Text(place.panel.title, f"bold {PLAIN}"),
            title_align="left",
            box=box.ROUNDED,
            border_style=BAD if answer.error else FAINT,
        )
        options = console.options.update(width=place.width, height=place.height)
        lines = console.render_lines(framed, options, pad=True)[: place.height]
        return {place.y + at: line for at, line in enumerate(lines)}


def printed(lines: list[Line]) -> RenderableType:
    """Turn *lines* into something that a console prints."""
    return Segments([segment for line in lines for segment in (*line, Segment.line())])


def _bottom(places: list[Place]) -> int:
    return max((place.y + place.height for place in places), default=0)
