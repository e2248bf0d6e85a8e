"""One grammar for lengths of time, in settings and in options: 50ms, 90s, 15m, 1.5h, 1h30m, 7d."""

import re
from datetime import timedelta
from typing import Final

_MICROSECOND: Final = timedelta(microseconds=1)
_UNITS: Final = {
    "us": _MICROSECOND,
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_NUMBER: Final = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
_PART: Final = re.compile(rf"({_NUMBER})(us|ms|[smhdwy])")
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+")
_PLAIN: Final = re.compile(_NUMBER)
SHORTEST: Final = _MICROSECOND
LONGEST: Final = timedelta(days=100 * 365)


class BadDuration(ValueError):
    """The text is no length of time, or one out of range; the message says what is allowed."""


def parse(text: str, *, least: timedelta = SHORTEST, most: timedelta = LONGEST, plain: str = "") -> timedelta:
    """Read *text*; *plain* is the unit of a number without one, by default such a number is refused.

    Raises BadDuration.
    """
    whole = f"{text}{plain}" if plain and _PLAIN.fullmatch(text) else text
    if not _WHOLE.fullmatch(whole):
        without = f" (no unit means {plain})" if plain else ""
        raise BadDuration(
            f"{text!r:.60} is not a length of time: a number with us, ms, s, m, h, d, w or y{without} is allowed,"
            " such as 90s, 15m or 7d"
        )
    microseconds = sum(float(number) * (_UNITS[unit] / _MICROSECOND) for number, unit in _PART.findall(whole))
    length = timedelta(microseconds=round(min(microseconds, LONGEST / _MICROSECOND + 1)))
    if not least <= length <= most:
        raise BadDuration(f"{text!r:.60} is out of range: {written(least)} to {written(most)} is allowed")
    return length


def written(length: timedelta) -> str:
    """Write *length* as short as it can be in this grammar with one whole number: 90s, 15m, 7d."""
    exact = [unit for unit in ("us", "ms", "s", "m", "h", "d") if length % _UNITS[unit] == timedelta()]
    unit = exact[-1] if length else "s"
    return f"{length // _UNITS[unit]}{unit}"


def for_servers(length: timedelta) -> str:
    """*length* as Go programs and Prometheus both read it: whole milliseconds or seconds."""
    milliseconds = max(1, length // _UNITS["ms"])
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"
