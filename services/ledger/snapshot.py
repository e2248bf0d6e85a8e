"""The ledger as it is at one moment, for commands that read many of its rows while the bot trades."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from services.ledger.connection import Arguments, Cursor, Ledger

_BEGIN: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0"


@dataclass(frozen=True)
class Snapshot:
    """All that it reads is of the same moment, however long that takes."""

    cursor: Cursor

    def execute(self, statement: str, arguments: Arguments = ()) -> list[tuple[Any, ...]]:
        """The rows of *statement*."""
        self.cursor.execute(statement, arguments)
        return self.cursor.fetchall()


@contextmanager
def snapshot(ledger: Ledger) -> Iterator[Snapshot]:
    """Read *ledger* as of now, whatever is written meanwhile; no writer waits for it. Raises ServerAway."""
    with ledger.transaction() as cursor:
        cursor.execute(_BEGIN)
        yield Snapshot(cursor)
