"""The waterfall as shapes on a page: what the terminal draws with characters, from the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cdb.kit.figures import microseconds
from cdb.trace.waterfall import Row

WIDTH: Final = 1_000
"""Units from the beginning of a trace to its end."""
MOST_ROWS: Final = 400
MOST_DEPTH: Final = 12
_LEAST: Final = 3
_MARKS: Final = 4


@dataclass(frozen=True)
class Stretch:
    """A stroke from one unit to another, never so short that it cannot be seen."""

    begin: float
    end: float


@dataclass(frozen=True)
class Bar:
    """One row with its shapes: when it ran, and when the critical path was in it."""

    row: Row
    depth: int
    whole: Stretch
    critical: tuple[Stretch, ...]

    @property
    def kind(self) -> str:
        """How it is drawn."""
        return "failed" if self.row.failed else "waiting" if self.row.waiting else "working"


def bars(rows: Sequence[Row], whole_us: int) -> list[Bar]:
    """Lay out the first MOST_ROWS of *rows* of a trace that took *whole_us*."""
    scale = WIDTH / whole_us if whole_us > 0 else 0.0

    def stretch(begin_us: float, end_us: float) -> Stretch:
        begin = min(max(0.0, begin_us * scale), WIDTH - _LEAST)
        return Stretch(round(begin, 1), round(min(max(begin + _LEAST, end_us * scale), WIDTH), 1))

    return [
        Bar(
            row,
            min(row.depth, MOST_DEPTH),
            stretch(row.begin_us, row.begin_us + row.duration_us),
            tuple(stretch(*part) for part in row.critical),
        )
        for row in rows[:MOST_ROWS]
    ]


def axis(whole_us: int) -> list[str]:
    """Times below the beginning, each quarter and the end."""
    return [microseconds(whole_us * part / _MARKS) for part in range(_MARKS + 1)]
