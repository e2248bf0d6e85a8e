"""Closed trades, from the newest fill back or from the oldest on: a bounded piece of the fills at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from console.account.numbers import FILLS, first_since, last_number
from services.ledger.results import Reader
from services.messages import Cause
from services.performance.trades import ClosedTrade

PIECE: Final = 2_000
"""Fills that are looked at together."""
MOST_PIECES: Final = 50
"""So many for one page, or a rare filter would read the whole ledger."""
_SIGNAL: Final = "position:order:"

_COLUMNS: Final = ", ".join(column.name for column in fields(ClosedTrade))
# The array makes PostgreSQL find each position by the index on fills (position_id).
_CLOSED: Final = f"""
SELECT closed_seq, {_COLUMNS} FROM closed_trades
WHERE position_id = ANY (ARRAY (
    SELECT DISTINCT position_id FROM fills WHERE fill_seq >= %(first)s AND fill_seq < %(end)s AND side = 'SELL'
)) AND closed_seq >= %(first)s AND closed_seq < %(end)s
    AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s) AND (%(strategy)s::text IS NULL OR strategy = %(strategy)s)
    AND (%(cause)s::text IS NULL OR cause = %(cause)s) AND (%(since)s::timestamptz IS NULL OR closed_at >= %(since)s)
ORDER BY closed_seq
"""  # noqa: S608  names of our own
_SALES: Final = """
SELECT f.position_id, coalesce(o.signal_id, o.order_id) FROM fills f JOIN orders o USING (order_id)
WHERE f.position_id = ANY (%s) AND f.side = 'SELL' ORDER BY f.fill_seq
"""
_NAMES: Final = "SELECT symbol, strategy FROM positions ORDER BY symbol, strategy LIMIT 10000"


@dataclass(frozen=True)
class Filter:
    """Which trades; None is any."""

    symbol: str | None = None
    strategy: str | None = None
    cause: Cause | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class ListedTrade:
    """A closed trade, and the signals that its purchase and its last sale came from; its order if it came from none."""

    trade: ClosedTrade
    entry: str
    exit: str


@dataclass(frozen=True)
class Page:
    """Trades, newest first. *before* asks for the older ones; None if there are none."""

    trades: Sequence[ListedTrade]
    before: int | None


def newest(
    rows: Reader,
    which: Filter,
    *,
    most: int,
    before: int | None = None,
    piece: int = PIECE,
    most_pieces: int = MOST_PIECES,
) -> Page:
    """The newest trades whose last fill has a number below *before*. Raises ServerAway."""
    found: list[tuple[int, ClosedTrade]] = []
    begin = max(1, first_since(rows, FILLS, which.since))
    end = last_number(rows, FILLS) + 1 if before is None else before
    for _ in range(most_pieces):
        if end <= begin or len(found) > most:
            break
        first = max(begin, end - piece)
        found += reversed(_closed(rows, which, first, end))
        end = first
    is_more = len(found) > most or end > begin
    shown = found[:most]
    trades = _listed(rows, [trade for _, trade in shown])
    return Page(trades, (shown[-1][0] if len(found) > most else end) if is_more else None)


def all_closed(rows: Reader, which: Filter, *, piece: int = PIECE) -> Iterator[ClosedTrade]:
    """All of them, in the order of closing, read as they are needed. Raises ServerAway."""
    first, end = max(1, first_since(rows, FILLS, which.since)), last_number(rows, FILLS) + 1
    for begin in range(first, end, piece):
        yield from (trade for _, trade in _closed(rows, which, begin, min(begin + piece, end)))


def names(rows: Reader) -> tuple[list[str], list[str]]:
    """Symbols and strategies that have ever held anything."""
    found = rows.execute(_NAMES)
    return sorted({symbol for symbol, _ in found}), sorted({strategy for _, strategy in found})


def _closed(rows: Reader, which: Filter, first: int, end: int) -> list[tuple[int, ClosedTrade]]:
    """Those whose last fill's number is from *first* to below *end*."""
    arguments: dict[str, Any] = {**vars(which), "first": first, "end": end}
    return [(number, ClosedTrade(*row)) for number, *row in rows.execute(_CLOSED, arguments)]


def _listed(rows: Reader, trades: Sequence[ClosedTrade]) -> list[ListedTrade]:
    ids = [trade.position_id for trade in trades]
    sales: dict[str, str] = dict(rows.execute(_SALES, (ids,))) if ids else {}  # the last one counts
    return [
        ListedTrade(
            trade,
            trade.position_id.removeprefix(_SIGNAL) if trade.position_id.startswith(_SIGNAL) else "",
            sales.get(trade.position_id, ""),
        )
        for trade in trades
    ]
