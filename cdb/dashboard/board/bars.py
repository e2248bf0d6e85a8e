"""Panels of bars: gauges, bar gauges and pies (as sorted shares)."""

import math
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.answers import Answer, reduced
from cdb.dashboard.board.colours import FAINT, PLAIN, SERIES
from cdb.dashboard.board.lines import bar, cut, fitted, joined, middle
from cdb.dashboard.board.look import Look, look_of
from cdb.dashboard.model.model import Panel

_NARROWEST_BAR = 8


@dataclass(frozen=True)
class _Row:
    name: str
    value: float
    text: str
    colour: str
    share: float


def gauge(panel: Panel, answer: Answer, width: int, height: int) -> list[Text]:
    """Return the figure, a bar from the panel's minimum to its maximum, and where its thresholds are."""
    lines: list[Text] = []
    for series in answer.series:
        look, value = look_of(panel, series.name, series.ref_id), reduced(panel, series)
        name = "" if len(answer.series) == 1 else f"{look.name or series.name} "
        lines.append(fitted(f"{name}{look.text(value)}", width, f"bold {look.colour(value)}", "center"))
        lines.append(_zones(look, value, width))
        lines.append(_scale(look, width))
    return cut(middle(lines, width, height), height)


def bar_gauge(panel: Panel, answer: Answer, width: int, height: int) -> list[Text]:
    """Return a row for each series, its bar measured by the panel's range or else by the largest."""
    figures = [(series, reduced(panel, series)) for series in answer.series]
    top = max((value for _, value in figures if math.isfinite(value)), default=0.0)
    rows = []
    for series, value in figures:
        look = look_of(panel, series.name, series.ref_id)
        low = look.settings.min or 0.0
        span = (look.settings.max if look.settings.max is not None else top) - low
        share = (value - low) / span if span > 0 else 0.0
        rows.append(_Row(look.name or series.name, value, look.text(value), look.colour(value), share))
    return cut(_rows(rows, width), height)


def pie(panel: Panel, answer: Answer, width: int, height: int) -> list[Text]:
    """Return a row for each share, the largest first, with what it is in percent of all."""
    figures = sorted(((s, reduced(panel, s)) for s in answer.series), key=lambda pair: _size(pair[1]), reverse=True)
    total = sum(_size(value) for _, value in figures)
    rows = []
    for at, (series, value) in enumerate(figures):
        look = look_of(panel, series.name, series.ref_id)
        share = _size(value) / total if total else 0.0
        text = f"{look.figure(value)} {f'{100 * share:.0f}%':>4}"
        rows.append(_Row(look.name or series.name, value, text, _own(look, at), share))
    return cut(_rows(rows, width), height)


def _own(look: Look, at: int) -> str:
    return look.fixed or SERIES[at % len(SERIES)]


def _size(value: float) -> float:
    return value if math.isfinite(value) and value > 0 else 0.0


def _rows(rows: list[_Row], width: int) -> list[Text]:
    texts = max((cell_len(row.text) for row in rows), default=0)
    room = max(_NARROWEST_BAR, width - texts - 2 - _NARROWEST_BAR)
    names = min(max((cell_len(row.name) for row in rows), default=0), room)
    length = max(1, width - names - texts - 2)
    return [
        joined(
            (
                fitted(row.name, names, PLAIN),
                Text(" "),
                bar(row.share, length, row.colour),
                Text(" "),
                fitted(row.text, texts, f"bold {row.colour}" if row.value else FAINT, "right"),
            )
        )
        for row in rows
    ]


def _zones(look: Look, value: float, width: int) -> Text:
    """Return the bar; what is not filled shows faintly in which colour it would be."""
    span = look.high - look.low
    filled = (value - look.low) / span if span > 0 and math.isfinite(value) else 0.0
    line = Text(no_wrap=True)
    for cell in range(width):
        at = look.low + (cell + 0.5) / width * span
        if (cell + 0.5) / width <= filled:
            line.append("█", look.colour(value))
        else:
            line.append("░", f"{look.colour(at)} dim")
    return line


def _scale(look: Look, width: int) -> Text:
    """Return the thresholds below the places of the bar where they are, and both ends."""
    span = look.high - look.low
    line = [" "] * width
    ends = [(look.low, 0.0), (look.high, 1.0)]
    inner = [
        (limit, (limit - look.low) / span) for limit, _ in look.limits if span > 0 and look.low < limit < look.high
    ]
    for value, share in [*ends, *inner]:
        text = look.short(value)
        start = min(max(0, round(share * width - len(text) / 2)), width - len(text))
        room = line[max(0, start - 1) : start + len(text) + 1]
        if start >= 0 and all(cell == " " for cell in room):
            line[start : start + len(text)] = text
    return Text("".join(line), FAINT, no_wrap=True)
