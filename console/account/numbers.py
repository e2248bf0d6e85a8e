"""The tables that the account's pages read by number, and where in them a span of time begins."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console import numbered
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
    statement = (
        f"SELECT {rows_of.number}, {rows_of.at} FROM {rows_of.table} "  # noqa: S608  names of our own
        f"WHERE {rows_of.number} >= %s ORDER BY {rows_of.number} LIMIT 1"
    )

    def after(number: int) -> tuple[int, datetime] | None:
        return next(((found, at) for found, at in rows.execute(statement, (number,))), None)

    return numbered.first_since(after, last_number(rows, rows_of), since - SLACK)
