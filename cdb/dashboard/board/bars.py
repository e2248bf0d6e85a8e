"""Panels of bars: gauges, bar gauges and pies (as sorted shares)."""

import math
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.lines import bar, cut, fitted, joined, middle
from cdb.dashboard.model.colours import FAINT, PLAIN, SERIES
from cdb.dashboard.model.fields import Answer
from cdb.dashboard.model.look import Look

_NARROWEST_BAR = 8


@dataclass(frozen=True)
class _Row:
    name: str
    value: float
    text: str
    colour: str
    share: float


def gauge(answer: Answer, width: int, height: int) -> list[Text]:
    """Draw the figure, a bar from the panel's minimum to its maximum, and where its thresholds are."""
    lines: list[Text] = []
    for field in answer.fields:
        name = "" if len(answer.fields) == 1 else f"{field.name} "
        lines.append(fitted(f"{name}{field.text}", width, f"bold {field.colour}", "center"))
        lines.append(_zones(field.look, field.value, width))
        lines.append(_scale(field.look, width))
    return cut(middle(lines, width, height), height)


def bar_gauge(answer: Answer, width: int, height: int) -> list[Text]:
    """Draw a row for each series, its bar measured by the panel's range or else by the largest."""
    top = max((field.value for field in answer.fields if math.isfinite(field.value)), default=0.0)
    rows = []
    for field in answer.fields:
        high = field.look.settings.max
        span = (top if high is None else high) - field.look.low
        share = (field.value - field.look.low) / span if span > 0 else 0.0
        rows.append(_Row(field.name, field.value, field.text, field.colour, share))
    return cut(_rows(rows, width), height)


def pie(answer: Answer, width: int, height: int) -> list[Text]:
    """Draw a row for each share, the largest first, with what it is in percent of all."""
    fields = sorted(answer.fields, key=lambda field: _size(field.value), reverse=True)
    total = sum(_size(field.value) for field in fields)
    rows = []
    for at, field in enumerate(fields):
        share = _size(field.value) / total if total else 0.0
        own = field.look.fixed or SERIES[at % len(SERIES)]
        rows.append(_Row(field.name, field.value, f"{field.text} {f'{100 * share:.0f}%':>4}", own, share))
    return cut(_rows(rows, width), height)


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
