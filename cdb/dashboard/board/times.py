"""The axis of time: round times of the local clock."""

import math
from datetime import datetime
from typing import Final

from cdb.dashboard.model.ask import Window

_ROUND_TIMES_S: Final = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800)


def times(window: Window, most: int) -> tuple[list[float], list[str]]:
    """List up to *most* round times of the local clock within *window*, and how they are written."""
    step = next((s for s in _ROUND_TIMES_S if window.range_s / s <= most), _ROUND_TIMES_S[-1])
    offset = datetime.fromtimestamp(window.end).astimezone().utcoffset()
    ahead = offset.total_seconds() if offset else 0.0
    first = math.ceil((window.start + ahead) / step) * step - ahead
    found = [first + at * step for at in range(int((window.end - first) // step) + 1)]
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86_400 else "%d %b"
    return found, [f"{datetime.fromtimestamp(time).astimezone():{form}}" for time in found]
