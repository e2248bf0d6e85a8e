"""A curve as lines of text, for a terminal or a log."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cdb.performance.charts import short

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
WIDTH: Final = 72
HEIGHT: Final = 8


def text_chart(points: Sequence[tuple[float, float]], *, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Draw *points* (Unix time in seconds, value; oldest first) as columns of blocks, values left and times below.

    A column is the last value until its time. The lowest value is one eighth of a line high.
    """
    columns = _columns(points, width)
    lowest, highest = min(columns), max(columns)
    eighths = [
        1 + round((value - lowest) / (highest - lowest) * (8 * height - 1)) if highest > lowest else 4 * height
        for value in columns
    ]
    labels = {height - 1: short(highest), 0: short(lowest)} if highest > lowest else {height // 2: short(lowest)}
    margin = max(map(len, labels.values()))
    rows = [
        f"{labels.get(row, ''):>{margin}} │"
        + "".join(_EIGHTHS[min(8, max(0, size - 8 * row))] for size in eighths).rstrip()
        for row in range(height - 1, -1, -1)
    ]
    begin, end = (f"{datetime.fromtimestamp(points[at][0], UTC):%Y-%m-%d %H:%M}" for at in (0, -1))
    return [*rows, f"{'':>{margin}} └{'─' * width}", f"{'':>{margin}}  {begin}{end:>{width - len(begin)}}"]


def _columns(points: Sequence[tuple[float, float]], width: int) -> list[float]:
    begin, end = points[0][0], points[-1][0]
    values, place = [], 0
    for column in range(width):
        until = begin + (end - begin) * (column + 1) / width
        while place + 1 < len(points) and points[place + 1][0] <= until:
            place += 1
        values.append(points[place][1])
    values[-1] = points[-1][1]  # whatever the rounding of times
    return values
