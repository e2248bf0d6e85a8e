"""Charts as SVG: a line over time, the drawdown of one, and what a page adds to a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

WIDTH: Final = 1000
HEIGHT: Final = 220
_LEFT: Final = 90
_BOTTOM: Final = 24
STYLE: Final = """
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--text); }
.curve { fill: none; stroke: var(--line); stroke-width: 1.5; } .loss { fill: var(--loss); opacity: .35; }
.grid { stroke: var(--grid); } .buy { fill: var(--gain); } .sell { fill: var(--loss); }
"""

Points = Sequence[tuple[float, float]]
"""Unix time in seconds and value, oldest first."""


@dataclass(frozen=True)
class Scale:
    """Where a moment and a value are on a chart."""

    begin: float
    end: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, points: Points) -> "Scale":
        moments, values = [when for when, _ in points], [value for _, value in points]
        lowest, highest = min(values), max(values)
        margin = (highest - lowest) * 0.05 or abs(highest) * 0.01 or 1.0
        return cls(min(moments), max(*moments, min(moments) + 1), lowest - margin, highest + margin)

    def x(self, moment_s: float) -> float:
        return _LEFT + (WIDTH - _LEFT) * (moment_s - self.begin) / (self.end - self.begin)

    def y(self, value: float) -> float:
        return (HEIGHT - _BOTTOM) * (self.highest - value) / (self.highest - self.lowest)


def line_chart(points: Points) -> str:
    scale = Scale.of(points)
    return svg(scale, [polyline(scale, points)])


def drawdown_chart(points: Points) -> str:
    found = falls(points)
    corners = [(found[0][0], 0.0), *found, (found[-1][0], 0.0)]
    scale = Scale.of(corners)
    return svg(scale, [f'<polygon class="loss" points="{_places(scale, corners)}"/>'])


def falls(points: Points) -> list[tuple[float, float]]:
    """How far each value is below the highest one before it, in percent of that; never above 0."""
    peak, found = 0.0, []
    for when, value in points:
        peak = max(peak, value)
        found.append((when, 100 * (value - peak) / peak if peak > 0 else 0.0))
    return found


def polyline(scale: Scale, points: Points) -> str:
    return f'<polyline class="curve" points="{_places(scale, points)}"/>'


def svg(scale: Scale, content: Iterable[str]) -> str:
    """A chart with its grid, its values and its times in UTC, and *content* on it."""
    drawn = []
    for step in range(5):
        value = scale.lowest + (scale.highest - scale.lowest) * step / 4
        y = scale.y(value)
        drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for step in range(5):
        when = scale.begin + (scale.end - scale.begin) * step / 4
        anchor = ("start", "middle", "middle", "middle", "end")[step]
        text = f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}"
        drawn.append(f'<text x="{scale.x(when):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{text}</text>')
    return f'<svg viewBox="0 -6 {WIDTH} {HEIGHT + 6}" role="img">{"".join([*drawn, *content])}</svg>'


def short(value: float) -> str:
    """A value with as many decimals as its size asks for."""
    size = abs(value)
    decimals = 0 if size >= 1_000 else 2 if size >= 10 else 4 if size >= 0.1 else 8
    return f"{value:,.{decimals}f}"


def _places(scale: Scale, points: Points) -> str:
    return " ".join(f"{scale.x(t):.1f},{scale.y(value):.1f}" for t, value in points)
