"""Panels of bars: gauges, bar gauges and pies (as sorted shares)."""

import math

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.lines import bar, cut, fitted, joined, middle
from cdb.dashboard.model.colours import FAINT, PLAIN
from cdb.dashboard.model.fields import Answer, Field
from cdb.dashboard.model.look import Look
from cdb.dashboard.model.shares import bars, slices

_NARROWEST_BAR = 8


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
    rows = [(field, field.text, field.colour, share) for field, share in bars(answer)]
    return cut(_rows(rows, width), height)


def pie(answer: Answer, width: int, height: int) -> list[Text]:
    """Draw a row for each share, the largest first, with what it is in percent of all."""
    rows = [
        (field, f"{field.text} {f'{100 * share:.0f}%':>4}", field.own_colour, share) for field, share in slices(answer)
    ]
    return cut(_rows(rows, width), height)


def _rows(rows: list[tuple[Field, str, str, float]], width: int) -> list[Text]:
    """Draw name, bar and text of each field; a row also has the bar's colour and how much of it is filled."""
    texts = max((cell_len(text) for _, text, _, _ in rows), default=0)
    room = max(_NARROWEST_BAR, width - texts - 2 - _NARROWEST_BAR)
    names = min(max((cell_len(field.name) for field, *_ in rows), default=0), room)
    length, space = max(1, width - names - texts - 2), Text(" ")
    lines = []
    for field, text, colour, share in rows:
        style = f"bold {colour}" if field.value else FAINT
        parts = bar(share, length, colour), space, fitted(text, texts, style, "right")
        lines.append(joined((fitted(field.name, names, PLAIN), space, *parts)))
    return lines


def _zones(look: Look, value: float, width: int) -> Text:
    """Draw the bar; what is not filled shows faintly in which colour it would be."""
    span = look.high - look.low
    filled = (value - look.low) / span if span > 0 and math.isfinite(value) else 0.0
    line = Text(no_wrap=True)
    for share in ((cell + 0.5) / width for cell in range(width)):
        mark, style = (
            ("█", look.colour(value)) if share <= filled else ("░", f"{look.colour(look.low + share * span)} dim")
        )
        line.append(mark, style)
    return line


def _scale(look: Look, width: int) -> Text:
    """Write the thresholds below the places of the bar where they are, and both ends."""
    span = look.high - look.low
    line = [" "] * width
    for value in (look.low, look.high, *(limit for limit, _ in look.limits if look.low < limit < look.high)):
        text = look.short(value)
        share = (value - look.low) / span if span > 0 else 0.0
        start = min(max(0, round(share * width - len(text) / 2)), width - len(text))
        room = line[max(0, start - 1) : start + len(text) + 1]
        if start >= 0 and all(cell == " " for cell in room):
            line[start : start + len(text)] = text
    return Text("".join(line), FAINT, no_wrap=True)
