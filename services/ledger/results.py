"""Closed trades and marks of equity, read as the figures of services/performance take them. All raise ServerAway."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, Protocol

from services.ledger.connection import Arguments, Ledger
from services.performance.equity import EquityCurve, Mark
from services.performance.trades import ClosedTrade

_COLUMNS: Final = ", ".join(column.name for column in fields(ClosedTrade))
_ALL: Final = f"SELECT {_COLUMNS} FROM closed_trades ORDER BY closed_seq"  # noqa: S608  names of our own, here and below
_CLOSED: Final = f"""
SELECT {_COLUMNS} FROM closed_trades
WHERE position_id = ANY(%s) AND closed_seq > %s AND closed_seq <= %s ORDER BY closed_seq
"""  # noqa: S608
_MARKS: Final = "SELECT at, equity FROM equity_marks WHERE at > %s ORDER BY at LIMIT %s"
_MARKS_SINCE: Final = "SELECT at, equity FROM equity_marks WHERE at >= %s ORDER BY at LIMIT %s"
_AT_ONCE: Final = 10_000


class Reader(Protocol):
    """A ledger, or a snapshot of one."""

    def execute(self, statement: str, arguments: Arguments = ()) -> list[tuple[Any, ...]]: ...


def closed_trades(ledger: Reader) -> list[ClosedTrade]:
    """All closed trades, in the order of their closing."""
    return [ClosedTrade(*row) for row in ledger.execute(_ALL)]


def trades_closed_by(
    ledger: Reader, position_ids: Sequence[str], *, after_seq: int, until_seq: int
) -> list[ClosedTrade]:
    """Those of *position_ids* whose last fill has a number after *after_seq*, up to *until_seq*."""
    rows = ledger.execute(_CLOSED, (list(position_ids), after_seq, until_seq)) if position_ids else ()
    return [ClosedTrade(*row) for row in rows]


def follow_equity(ledger: Ledger, curve: EquityCurve, *, most: int) -> int:
    """Add to *curve* the oldest *most* marks later than its newest one; how many there were."""
    marks = ledger.execute(_MARKS, (curve.newest.at if curve.newest else "-infinity", most))
    for at, equity in marks:
        curve.add(at, equity)
    return len(marks)


def equity_curve(ledger: Reader) -> EquityCurve:
    """The curve of all marks."""
    return EquityCurve(equity_marks(ledger))


def equity_marks(ledger: Reader, since: datetime | None = None) -> Iterator[Mark]:
    """Yield all marks, or those from *since* on, oldest first; they are read as they are needed."""
    marks = ledger.execute(_MARKS_SINCE, (since or "-infinity", _AT_ONCE))
    while marks:
        yield from map(Mark._make, marks)
        marks = ledger.execute(_MARKS, (marks[-1][0], _AT_ONCE))
