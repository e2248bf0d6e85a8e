"""A curve as the points of an SVG picture that takes whatever room it has; its words are outside of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from cdb.performance.outline import Point

WIDTH: Final = 1000
HEIGHT: Final = 200
_MARGIN: Final = 0.06


@dataclass(frozen=True)
class Curve:
    """*line* and *area* are points for SVG, *level* the height of a value to compare with, None without one."""

    line: str
    area: str
    begin: datetime
    end: datetime
    lowest: Decimal
    highest: Decimal
    newest: Decimal
    level: float | None


def curve(points: Sequence[Point], *, level: float | None = None, base: float | None = None) -> Curve | None:
    """The curve of *points*, oldest first; None if they are too few. The area is that between it and *base*."""
    if len(points) < 2:
        return None
    values = [value for _, value in points]
    seen = [*values, *(one for one in (level, base) if one is not None)]
    margin = (max(seen) - min(seen)) * _MARGIN or abs(seen[0]) * _MARGIN or 1.0
    low, high = min(seen) - margin, max(seen) + margin
    begin, end = points[0][0], max(points[-1][0], points[0][0] + 1)

    def place(when: float, value: float) -> str:
        return f"{WIDTH * (when - begin) / (end - begin):.1f},{height(value):.1f}"

    def height(value: float) -> float:
        return HEIGHT * (high - value) / (high - low)

    line = " ".join(place(when, value) for when, value in points)
    floor = low if base is None else base
    return Curve(
        line=line,
        area=f"{place(begin, floor)} {line} {place(points[-1][0], floor)}",
        begin=datetime.fromtimestamp(begin, UTC),
        end=datetime.fromtimestamp(points[-1][0], UTC),
        lowest=Decimal(str(min(values))),
        highest=Decimal(str(max(values))),
        newest=Decimal(str(values[-1])),
        level=None if level is None else round(height(level), 1),
    )
