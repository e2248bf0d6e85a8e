"""Time series panels, drawn by plotext."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import plotext
from rich.cells import cell_len
from rich.text import Text

from cdb.board.answers import Answer, Series
from cdb.board.ask import Window
from cdb.board.colours import FAINT, PLAIN, SERIES, rgb
from cdb.board.lines import cut, fitted, joined
from cdb.board.look import Look, look_of
from cdb.dashboards.model import Panel

_NEAR: Final = 5.0
"""A threshold is on the axis unless that makes it more than this times as long; else the legend names it only."""
_ROOM: Final = 1.05
_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)
_BINARY: Final = {"bytes", "kbytes", "mbytes", "binBps"}
_NEARLY: Final = 1e-9
_ROUND_TIMES_S: Final = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800)
_GAP_STEPS: Final = 3.0
_LEAST_PLOT: Final = 5
_GOOD_PLOT: Final = 8
_AREA: Final = 20
"""From this opacity of the fill on, in percent, the area below a single series is filled."""
_BACKGROUND: Final = re.compile(r"\x1b\[48;[0-9;]*m")


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    step: float
    look: Look

    @property
    def ticks(self) -> list[float]:
        """Return where the axis has figures."""
        first = math.ceil(self.low / self.step - _NEARLY)
        last = math.floor(self.high / self.step + _NEARLY)
        return [at * self.step for at in range(first, last + 1)]


def draw(panel: Panel, answer: Answer, width: int, height: int, window: Window) -> list[Text]:
    """Return the plot with its threshold lines, and below it the legend: each series with its newest value."""
    legend = cut(_legend(panel, answer, width), max(1, height - _LEAST_PLOT))
    axis = _axis(panel, answer, height - len(legend))
    return [*_plot(panel, answer, axis, width, height - len(legend), window), *legend]


def rows(panel: Panel, answer: Answer, width: int) -> int:
    """Return how many lines a plot with its whole legend needs."""
    return _GOOD_PLOT + len(_legend(panel, answer, width))


def _plot(panel: Panel, answer: Answer, axis: _Axis, width: int, height: int, window: Window) -> list[Text]:
    if height < 3 or width < 12:
        return []
    plotext.terminal.limit(width=False, height=False)  # the size asked for, not the terminal's
    figure = plotext.figure.clear()
    figure.plot_size(width, height)
    frame = plotext.pixel(rgb(FAINT))
    figure.axes(active=True, pixel=frame)
    figure.axes(active=False, axis="x", side="upper")
    figure.axes(active=False, axis="y", side="right")
    for value, code in _limits(axis):
        figure.line(value, "horizontal", pixel=plotext.pixel(rgb(code)), style="dotted")
    filled = len(answer.series) == 1 and panel.field_config.defaults.custom.get("fillOpacity", 0) >= _AREA
    for at, series in enumerate(answer.series):
        look = look_of(panel, series.name, series.ref_id)
        for piece in _unbroken(series, window):
            markers = [plotext.marker("braille", plotext.pixel(rgb(_colour(look, at, v)))) for _, v in piece]
            signal = figure.signal([t for t, _ in piece], [v for _, v in piece], marker=markers).lines()
            figure.draw(signal.fillx() if filled else signal)
    _rulers(figure, axis, window, frame=frame, width=width)
    figure.legend(active=False)
    return _without_background(figure.build().string())[:height]


def _rulers(figure: Any, axis: _Axis, window: Window, *, frame: Any, width: int) -> None:
    vertical = figure.ruler("y", "left")
    vertical.lim(axis.low, axis.high)
    vertical.ticks(axis.ticks, [axis.look.short(tick) for tick in axis.ticks])
    vertical.pixel(frame)
    horizontal = figure.ruler("x", "lower")
    horizontal.lim(window.start, window.end)
    horizontal.ticks(*times(window, max(1, width // 14)))
    horizontal.pixel(frame)


def times(window: Window, most: int) -> tuple[list[float], list[str]]:
    """Return up to *most* round times of the local clock within *window*, and how they are written."""
    step = next((s for s in _ROUND_TIMES_S if window.range_s / s <= most), _ROUND_TIMES_S[-1])
    offset = datetime.fromtimestamp(window.end).astimezone().utcoffset()
    ahead = offset.total_seconds() if offset else 0.0
    first = math.ceil((window.start + ahead) / step) * step - ahead
    found = [first + at * step for at in range(int((window.end - first) // step) + 1)]
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86_400 else "%d %b"
    return found, [f"{datetime.fromtimestamp(time).astimezone():{form}}" for time in found]


def _without_background(drawn: str) -> list[Text]:
    """Return what plotext has drawn on the terminal's own background instead of plotext's white."""
    return list(Text.from_ansi(_BACKGROUND.sub("", drawn), no_wrap=True).split("\n"))


def _axis(panel: Panel, answer: Answer, rows: int) -> _Axis:
    """Return an axis on which all points are, and the thresholds that are lines as far as they are near."""
    look = look_of(panel, answer.series[0].name, answer.series[0].ref_id)
    settings, custom = look.settings, look.settings.custom
    values = [value for series in answer.series for _, value in series.points if math.isfinite(value)]
    low, high = min([*values, 0.0]), max(values, default=0.0)
    low, high = min(low, custom.get("axisSoftMin") or low), max(high, custom.get("axisSoftMax") or high)
    if _has_lines(look):
        near = [limit for limit, _ in look.limits if limit <= _NEAR * high]
        high = max([high, *(limit * _ROOM for limit in near)])
    low = settings.min if settings.min is not None else low
    high = max(settings.max if settings.max is not None else high, low)
    base = 1024.0 if settings.unit in _BINARY else 1000.0
    step = _step((high - low) or 1.0, max(1, min(4, rows // 2)), base)
    low = low if settings.min is not None else math.floor(low / step + _NEARLY) * step
    high = high if settings.max is not None else math.ceil(high / step - _NEARLY) * step
    return _Axis(low, high if high > low else low + step, step, look)


def _step(span: float, most: int, base: float) -> float:
    """Return the smallest step, round in a unit that grows by *base*, of which no more than *most* make up *span*."""
    unit = base ** math.floor(math.log(span / most, base))
    size = unit * 10.0 ** math.floor(math.log10(span / most / unit))
    return next(round_step * size for round_step in _ROUND if round_step * size * most >= span * (1 - _NEARLY))


def _has_lines(look: Look) -> bool:
    return look.settings.custom.get("thresholdsStyle", {}).get("mode", "off") not in {"off", "area"}


def _limits(axis: _Axis) -> list[tuple[float, str]]:
    """Return the threshold lines that are on *axis*, with their colours."""
    shown = axis.look.limits if _has_lines(axis.look) else []
    return [(value, code) for value, code in shown if axis.low <= value <= axis.high]


def _colour(look: Look, at: int, value: float) -> str:
    """Return the colour of *value* of the series that is the *at*-th: where the panel says so, its threshold's."""
    if look.settings.color.get("mode") == "thresholds":
        return look.colour(value)
    return look.fixed or SERIES[at % len(SERIES)]


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


def _legend(panel: Panel, answer: Answer, width: int) -> list[Text]:
    """Return every series with its newest value, and every threshold line, in as many columns as fit."""
    entries = []
    for at, series in enumerate(answer.series):
        look = look_of(panel, series.name, series.ref_id)
        entries.append(("━━", _colour(look, at, series.last), f"{look.name or series.name} {look.text(series.last)}"))
    axis = _axis(panel, answer, 2)
    for value, code in axis.look.limits if _has_lines(axis.look) else []:
        above = "" if axis.low <= value <= axis.high else ", beyond the axis"
        entries.append(("┈┈", code, f"limit {axis.look.short(value)}{above}"))
    widths = _columns([cell_len(text) + 3 for _, _, text in entries], width)
    cells = [
        joined((Text(mark, code), Text(" "), fitted(text, widths[at % len(widths)] - 3, PLAIN)))
        for at, (mark, code, text) in enumerate(entries)
    ]
    return [Text("  ", no_wrap=True).join(cells[at : at + len(widths)]) for at in range(0, len(cells), len(widths))]


def _columns(lengths: list[int], width: int) -> list[int]:
    """Return the widths of as many columns as entries of *lengths*, row by row, fit into."""
    for count in range(len(lengths), 1, -1):
        widths = [max(lengths[at::count]) for at in range(count)]
        if sum(widths) + 2 * (count - 1) <= width:
            return widths
    return [min(width, max(lengths))]
