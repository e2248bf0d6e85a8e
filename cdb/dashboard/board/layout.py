"""Fit Grafana's grid of 24 columns to a terminal: panels keep their order and, where there is room, neighbours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cdb.dashboard.model.dashboards import Panel

Rows = Callable[[Panel, int], int]
"""How many rows a panel wants if it is so wide."""


@dataclass(frozen=True)
class Place:
    """A panel and the cells that it takes."""

    panel: Panel
    x: int
    y: int
    width: int
    height: int


def placed(panels: Sequence[Panel], width: int, *, least: Callable[[Panel], int], rows: Rows) -> list[Place]:
    """Place *panels* on *width* cells; none is narrower than *least* says, unless *width* is."""
    places: list[Place] = []
    y = 0
    for band in _bands(panels):
        for line in _lines(_stacks(band), width, least):
            widths = _shares([_span(stack) for stack in line], [_least(stack, least) for stack in line], width)
            wide_stacks = list(zip(line, widths, strict=True))
            tallest = max(sum(rows(panel, wide) for panel in stack) for stack, wide in wide_stacks)
            x = 0
            for stack, wide in wide_stacks:
                places += _stacked(stack, x, y, wide, tallest, rows)
                x += wide
            y += tallest
    return places


def _stacked(stack: list[Panel], x: int, y: int, width: int, height: int, rows: Rows) -> list[Place]:
    """Place *stack* one below the other; the last takes what is left of *height*."""
    places = []
    bottom = y + height
    for at, panel in enumerate(stack):
        tall = bottom - y if at == len(stack) - 1 else rows(panel, width)
        places.append(Place(panel, x, y, width, tall))
        y += tall
    return places


def _bands(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Cut *panels* where a horizontal line crosses none of them, from top to bottom."""
    return _cut(panels, lambda panel: (panel.grid_pos.y, panel.grid_pos.y + panel.grid_pos.h))


def _stacks(band: Sequence[Panel]) -> list[list[Panel]]:
    """Cut *band* where a vertical line crosses none of its panels, from left to right."""
    return _cut(band, lambda panel: (panel.grid_pos.x, panel.grid_pos.x + panel.grid_pos.w))


def _cut(panels: Sequence[Panel], extent: Callable[[Panel], tuple[int, int]]) -> list[list[Panel]]:
    groups: list[list[Panel]] = []
    end = 0
    for panel in sorted(panels, key=extent):
        first, last = extent(panel)
        if not groups or first >= end:
            groups.append([])
        groups[-1].append(panel)
        end = max(end, last)
    return [sorted(group, key=lambda panel: (panel.grid_pos.y, panel.grid_pos.x)) for group in groups]


def _lines(stacks: list[list[Panel]], width: int, least: Callable[[Panel], int]) -> list[list[list[Panel]]]:
    """Break *stacks* into lines on which each has its least width, as even as they go."""
    lines: list[list[list[Panel]]] = [[]]
    for stack in stacks:
        if lines[-1] and sum(_least(other, least) for other in [*lines[-1], stack]) > width:
            lines.append([])
        lines[-1].append(stack)
    per_line = -(-len(stacks) // len(lines))
    even = [stacks[at : at + per_line] for at in range(0, len(stacks), per_line)]
    fits = all(sum(_least(stack, least) for stack in line) <= width for line in even)
    return even if fits else lines


def _shares(spans: list[int], least: list[int], width: int) -> list[int]:
    """Share out *width* in proportion to *spans*, each at least as wide as it must be."""
    wide = [max(narrow, span * width // sum(spans)) for span, narrow in zip(spans, least, strict=True)]
    while sum(wide) > width:
        at = max(range(len(wide)), key=lambda i: wide[i] - least[i])
        wide[at] -= 1
    while sum(wide) < width:
        at = min(range(len(wide)), key=lambda i: wide[i] / spans[i])
        wide[at] += 1
    return wide


def _least(stack: list[Panel], least: Callable[[Panel], int]) -> int:
    return max(least(panel) for panel in stack)


def _span(stack: list[Panel]) -> int:
    return max(p.grid_pos.x + p.grid_pos.w for p in stack) - min(p.grid_pos.x for p in stack)
