"""Time series panels, drawn by plotext."""

import re
from typing import Any, Final

import plotext
from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.lines import cut, fitted, joined
from cdb.dashboard.board.times import times
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.axis import Axis, axis_of
from cdb.dashboard.model.colours import FAINT, PLAIN
from cdb.dashboard.model.curves import filled, legend, unbroken
from cdb.dashboard.model.fields import Answer

_LEAST_PLOT: Final = 5
_GOOD_PLOT: Final = 8
_BACKGROUND: Final = re.compile(r"\x1b\[48;[0-9;]*m")


def draw(answer: Answer, width: int, height: int, window: Window) -> list[Text]:
    """Draw the plot with its threshold lines, and below it the legend with the newest values."""
    entries = cut(_legend(answer, width), max(1, height - _LEAST_PLOT))
    axis = axis_of(answer, _steps(height - len(entries)))
    return [*_plot(answer, axis, width, height - len(entries), window), *entries]


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
    area = filled(answer)
    for field in answer.fields:
        for piece in unbroken(field.series, window):
            markers = [plotext.marker("braille", _pixel(field.curve_colour(value))) for _, value in piece]
            signal = figure.signal([t for t, _ in piece], [held(v, axis) for _, v in piece], marker=markers).lines()
            figure.draw(signal.fillx() if area else signal)
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


def held(value: float, axis: Axis) -> float:
    """Keep *value* near *axis*: plotext draws every cell of the way to a point."""
    beyond = (axis.high - axis.low) / 2
    return min(max(value, axis.low - beyond), axis.high + beyond)


def _steps(rows: int) -> int:
    return max(1, min(4, rows // 2))


def _pixel(code: str) -> Any:
    return plotext.pixel(tuple(int(code[at : at + 2], 16) for at in (1, 3, 5)))


def _without_background(drawn: str) -> list[Text]:
    """Show the terminal's own background instead of plotext's white."""
    return list(Text.from_ansi(_BACKGROUND.sub("", drawn), no_wrap=True).split("\n"))


def _legend(answer: Answer, width: int) -> list[Text]:
    """List series with their newest values, and threshold lines, in as many columns as fit."""
    entries = [
        ("┈┈" if one.limit else "━━", one.colour, f"{one.name} {one.text}")
        for one in legend(answer, axis_of(answer, _steps(2)))
    ]
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
