"""How large the ledger is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.ledger.results import Reader

# Counts of rows are the server's estimates: to count them would read every table.
_TABLES: Final = """
SELECT s.relname, s.n_live_tup, pg_total_relation_size(s.relid), pg_indexes_size(s.relid)
FROM pg_stat_user_tables s WHERE s.schemaname = 'public' ORDER BY 3 DESC LIMIT 50
"""


@dataclass(frozen=True)
class Table:
    """A table, about how many rows it has, and its bytes with and of its indexes."""

    name: str
    rows: int
    size: int
    indexes: int


@dataclass(frozen=True)
class Size:
    """The ledger's tables, the largest first, and the bytes of the whole database."""

    tables: Sequence[Table]
    size: int


def size(rows: Reader) -> Size:
    """Ask for it. Raises ServerAway."""
    tables = [Table(*row) for row in rows.execute(_TABLES)]
    return Size(tables, rows.execute("SELECT pg_database_size(current_database())")[0][0])
