"""Time series panels, drawn by plotext."""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import plotext
from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.axis import Axis, axis_of, times
from cdb.dashboard.board.lines import cut, fitted, joined
from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.colours import FAINT, PLAIN
from cdb.dashboard.model.fields import Answer

_GAP_STEPS: Final = 3.0
_LEAST_PLOT: Final = 5
_GOOD_PLOT: Final = 8
_AREA: Final = 20
"""From this opacity of the fill on, in percent, the area below a single series is filled."""
_BACKGROUND: Final = re.compile(r"\x1b\[48;[0-9;]*m")


def draw(answer: Answer, width: int, height: int, window: Window) -> list[Text]:
    """Draw the plot with its threshold lines, and below it the legend with the newest values."""
    legend = cut(_legend(answer, width), max(1, height - _LEAST_PLOT))
    axis = axis_of(answer, height - len(legend))
    return [*_plot(answer, axis, width, height - len(legend), window), *legend]


def rows(answer: Answer, width: int) -> int:
    """Lines that a plot with its whole legend needs."""
    return _GOOD_PLOT + len(_legend(answer, width))


def _plot(answer: Answer, axis: Axis, width: int, height: int, window: Window) -> list[Text]:
    if height < 3 or width < 12:
        return []
    plotext.terminal.limit(width=False, height=False)  # the size asked for, not the terminal's
    figure = plotext.figure.clear()
    figure.plot_size(width, height)
    frame = _pixel(FAINT)
    figure.axes(active=True, pixel=frame)
    figure.axes(active=False, axis="x", side="upper")
    figure.axes(active=False, axis="y", side="right")
    for value, code in axis.look.lines:
        if axis.shows(value):
            figure.line(value, "horizontal", pixel=_pixel(code), style="dotted")
    filled = len(answer.fields) == 1 and axis.look.settings.custom.fill_opacity >= _AREA
    for field in answer.fields:
        for piece in _unbroken(field.series, window):
            markers = [plotext.marker("braille", _pixel(field.curve_colour(value))) for _, value in piece]
            signal = figure.signal([t for t, _ in piece], [axis.held(v) for _, v in piece], marker=markers).lines()
            figure.draw(signal.fillx() if filled else signal)
    _rulers(figure, axis, window, frame=frame, width=width)
    figure.legend(active=False)
    return _without_background(figure.build().string())[:height]


def _rulers(figure: Any, axis: Axis, window: Window, *, frame: Any, width: int) -> None:
    vertical = figure.ruler("y", "left")
    vertical.lim(axis.low, axis.high)
    vertical.ticks(axis.ticks, [axis.look.short(tick) for tick in axis.ticks])
    vertical.pixel(frame)
    horizontal = figure.ruler("x", "lower")
    horizontal.lim(window.start, window.end)
    horizontal.ticks(*times(window, max(1, width // 14)))
    horizontal.pixel(frame)


def _pixel(code: str) -> Any:
    return plotext.pixel(tuple(int(code[at : at + 2], 16) for at in (1, 3, 5)))


def _without_background(drawn: str) -> list[Text]:
    """Show the terminal's own background instead of plotext's white."""
    return list(Text.from_ansi(_BACKGROUND.sub("", drawn), no_wrap=True).split("\n"))


def _unbroken(series: Series, window: Window) -> Iterator[list[tuple[float, float]]]:
    """Yield the pieces of *series* between which points are missing."""
    piece: list[tuple[float, float]] = []
    for time, value in series.points:
        if piece and time - piece[-1][0] > _GAP_STEPS * window.step_s:
            yield piece
            piece = []
        if math.isfinite(value):
            piece.append((time, value))
    if piece:
        yield piece


def _legend(answer: Answer, width: int) -> list[Text]:
    """List series with their newest values, and threshold lines, in as many columns as fit."""
    entries = [("━━", field.curve_colour(field.value), f"{field.name} {field.text}") for field in answer.fields]
    axis = axis_of(answer, 2)
    for value, code in axis.look.lines:
        above = "" if axis.shows(value) else ", beyond the axis"
        entries.append(("┈┈", code, f"limit {axis.look.short(value)}{above}"))
    widths = _columns([cell_len(text) + 3 for _, _, text in entries], width)
    cells = [
        joined((Text(mark, code), Text(" "), fitted(text, widths[at % len(widths)] - 3, PLAIN)))
        for at, (mark, code, text) in enumerate(entries)
    ]
    return [Text("  ", no_wrap=True).join(cells[at : at + len(widths)]) for at in range(0, len(cells), len(widths))]


def _columns(lengths: list[int], width: int) -> list[int]:
    """Find the widths of the columns: as many as entries of *lengths*, row by row, fit into."""
    for count in range(len(lengths), 1, -1):
        widths = [max(lengths[at::count]) for at in range(count)]
        if sum(widths) + 2 * (count - 1) <= width:
            return widths
    return [min(width, max(lengths))]
