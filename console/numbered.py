"""Where in a long table a span of time begins, found by the numbers of its rows: times have no index."""

from collections.abc import Callable
from datetime import datetime


def first_since(after: Callable[[int], tuple[int, datetime] | None], newest: int, moment: datetime) -> int:
    """The least number whose row is of *moment* or later, *newest* + 1 without one.

    *after* gives number and time of the first row from a number on. Times rise with numbers; where a clock was set back
    they do not, and the answer is one of several.
    """
    low, high = 0, newest + 1
    while low < high:
        middle = (low + high) // 2
        found = after(middle)
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low
