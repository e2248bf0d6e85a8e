"""What a chart over time has besides its axis: pieces of curves, and the legend."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.axis import Axis
from cdb.dashboard.model.fields import Answer

_GAP_STEPS: Final = 3.0
_AREA: Final = 20
"""From this opacity of the fill on, in percent, the area below a single series is filled."""


@dataclass(frozen=True)
class Entry:
    """One line of a legend: a series with its newest value or, if *limit*, a threshold line."""

    name: str
    text: str
    colour: str
    limit: bool = False


def legend(answer: Answer, axis: Axis) -> list[Entry]:
    """List the series, then the threshold lines; one that is not on *axis* says so."""
    entries = [Entry(field.name, field.text, field.curve_colour(field.value)) for field in answer.fields]
    for value, code in axis.look.lines:
        beyond = "" if axis.shows(value) else ", beyond the axis"
        entries.append(Entry("limit", f"{axis.look.short(value)}{beyond}", code, limit=True))
    return entries


def filled(answer: Answer) -> bool:
    """Tell whether the area below the curve is filled."""
    return len(answer.fields) == 1 and answer.fields[0].look.settings.custom.fill_opacity >= _AREA


def unbroken(series: Series, window: Window) -> Iterator[list[tuple[float, float]]]:
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
