"""Lengths of time as a person writes and reads them."""

import re
from typing import Final

_UNITS: Final = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_FORM: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(us|ms|s|m|h|d)")
LONGEST_US: Final = 7 * _UNITS["d"]


def parse(text: str) -> int:
    """Return the microseconds that *text* says, such as 50ms, 1.5s, 15m, 2h; raise ValueError for anything else."""
    found = _FORM.fullmatch(text)
    microseconds = round(float(found[1]) * _UNITS[found[2]]) if found else 0
    if not 0 < microseconds <= LONGEST_US:
        raise ValueError(
            f"{text!r:.60} is no length of time: a number and us, ms, s, m, h or d is, such as 50ms or 15m"
        )
    return microseconds


def shown(microseconds: float) -> str:
    """Return a length of time in a few characters: 4 us, 2.31 ms, 301 ms, 1.52 s, 2.1 min."""
    sign, size = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    if size < 1_000:
        return f"{sign}{size:.0f} us"
    if size < 999_500:
        return f"{sign}{_three(size / 1_000)} ms"
    return f"{sign}{_three(size / 1e6)} s" if size < 120e6 else f"{sign}{size / 60e6:.1f} min"


def _three(number: float) -> str:
    return f"{number:.2f}" if number < 9.995 else f"{number:.1f}" if number < 99.95 else f"{number:.0f}"
