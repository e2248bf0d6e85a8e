"""Where in a long table a span of time begins, found by the numbers of its rows: times have no index."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.ledger.results import Reader

SLACK: Final = timedelta(hours=1)
"""Times follow the numbers, except where a clock was set back: so far is made up for."""


@dataclass(frozen=True)
class Numbered:
    """A table whose rows are numbered in the order in which they were written, and the column of their time."""

    table: str
    number: str
    at: str


DECISIONS: Final = Numbered("decisions", "decision_seq", "decided_at")
FILLS: Final = Numbered("fills", "fill_seq", "filled_at")


def last_number(rows: Reader, rows_of: Numbered) -> int:
    """The newest row's number, 0 without a row."""
    found = rows.execute(f"SELECT max({rows_of.number}) FROM {rows_of.table}")  # noqa: S608  names of our own
    return found[0][0] or 0


def first_since(rows: Reader, rows_of: Numbered, since: datetime | None) -> int:
    """A number with no row from *since* on below it, as near as possible: in as many steps as the count has bits."""
    if since is None:
        return 0
    wanted = since - SLACK
    statement = (
        f"SELECT {rows_of.number}, {rows_of.at} FROM {rows_of.table} "  # noqa: S608  names of our own
        f"WHERE {rows_of.number} >= %s ORDER BY {rows_of.number} LIMIT 1"
    )
    low, high = 0, last_number(rows, rows_of) + 1
    while low < high:
        middle = (low + high) // 2
        found = rows.execute(statement, (middle,))
        if not found or found[0][1] >= wanted:
            high = middle
        else:
            low = found[0][0] + 1
    return low
