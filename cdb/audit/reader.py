"""Read a ledger from one snapshot, the big tables as streams in the order of their numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg2

from cdb.audit import rows
from cdb.audit.audit import audit
from cdb.audit.findings import Report
from services.errors import ServerAway
from services.ledger.connection import Cursor, Ledger

_AT_ONCE: Final = 2_000
_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_NO_TIMEOUT: Final = "SET LOCAL statement_timeout = 0"

# Joins are outer ones, so that a row without its counterpart shows instead of vanishing.
_DECIDED: Final = """
SELECT s.signal_id, s.symbol, s.side, s.strategy, s.trade_id,
    d.signal_id, d.decision_seq, d.verdict, d.quantity, d.decided_at, d.fills_seen, d.cash, d.equity,
    d.reference_equity, d.exposure_before, d.exposure_after, d.position_after, d.breaker_active, d.marks, d.limits,
    o.order_id, o.signal_id, o.symbol, o.side, o.quantity, o.reference_price, o.trade_id, o.state, o.finished_at,
    o.first_fill
FROM signals s
FULL JOIN decisions d ON d.signal_id = s.signal_id
FULL JOIN (
    SELECT *, (SELECT min(fill_seq) FROM fills WHERE fills.order_id = orders.order_id) AS first_fill
    FROM orders WHERE cause = 'signal'
) o ON o.signal_id = coalesce(s.signal_id, d.signal_id)
ORDER BY d.decision_seq
"""
_ORDERS: Final = """
SELECT o.order_id, o.cause, o.position_id, o.trade_id, o.symbol, o.side, o.quantity, o.placed_at, o.state,
    o.finished_at, o.refusal,
    f.fill_id, f.symbol, f.side, f.quantity, f.position_id,
    p.symbol, p.opened_at, p.closed_at
FROM orders o
LEFT JOIN fills f ON f.order_id = o.order_id
LEFT JOIN (
    SELECT position_id, min(symbol) AS symbol, min(filled_at) AS opened_at,
        CASE WHEN sum(CASE side WHEN 'BUY' THEN quantity ELSE -quantity END) = 0 THEN max(filled_at) END AS closed_at
    FROM fills GROUP BY position_id
) p ON o.cause = 'stop_loss' AND p.position_id = o.position_id
ORDER BY o.order_seq
"""
_FILLS: Final = """
SELECT f.fill_seq, f.fill_id, f.order_id, f.position_id, f.symbol, f.side, f.quantity, f.price, f.notional, f.fee,
    f.realised_pnl, EXISTS (SELECT FROM orders o WHERE o.order_id = f.order_id)
FROM fills f ORDER BY f.fill_seq
"""
_POSITIONS: Final = "SELECT symbol, position_id, quantity, cost FROM positions"
_REFERENCES: Final = "SELECT noted_at, equity FROM equity ORDER BY equity_seq"
_BREAKER: Final = "SELECT changed_at, active FROM breaker ORDER BY breaker_seq"
_ADJUSTMENTS: Final = "SELECT noted_at, amount FROM test_adjustments ORDER BY adjustment_seq"
_UNIQUE: Final = (
    ("signals", "signal_id"),
    ("decisions", "signal_id"),
    ("decisions", "decision_seq"),
    ("orders", "order_id"),
    ("orders", "order_seq"),
    ("orders", "signal_id"),
    ("fills", "fill_id"),
    ("fills", "fill_seq"),
    ("fills", "order_id"),
    ("positions", "symbol"),
    ("equity", "equity_seq"),
    ("breaker", "breaker_seq"),
)


def read_and_audit(ledger: Ledger) -> Report:
    """Audit *ledger* as it is at one moment, without hindering who writes. Raise ServerAway if it cannot be read."""
    with snapshot(ledger) as found:
        return audit(found)


@contextmanager
def snapshot(ledger: Ledger) -> Iterator[rows.LedgerRows]:
    """Yield the rows of *ledger* as of now, whatever is written while they are read. Raise ServerAway."""
    with ledger.transaction() as cursor:
        try:
            cursor.execute(_SNAPSHOT)
            cursor.execute(_NO_TIMEOUT)
            yield _rows(cursor)
        except psycopg2.ProgrammingError as error:
            raise ServerAway("PostgreSQL", error) from error


def _rows(cursor: Cursor) -> rows.LedgerRows:
    cursor.execute("SELECT now()")
    taken_at = cursor.fetchall()[0][0]
    accounts = _all(cursor, "SELECT opening_cash, cash, realised_pnl FROM account")
    return rows.LedgerRows(
        taken_at=taken_at,
        account=rows.Account(*accounts[0]) if accounts else None,
        decided=map(_decided, _stream(cursor, "decided", _DECIDED)),
        orders=map(_order, _stream(cursor, "orders", _ORDERS)),
        fills=map(rows.Fill._make, _stream(cursor, "fills", _FILLS)),
        positions=[rows.Position(*row) for row in _all(cursor, _POSITIONS)],
        references=[rows.Reference(*row) for row in _all(cursor, _REFERENCES)],
        breaker=[rows.BreakerChange(*row) for row in _all(cursor, _BREAKER)],
        adjustments=[rows.Adjustment(*row) for row in _all(cursor, _ADJUSTMENTS)],
        uniqueness=[_uniqueness(cursor, table, column) for table, column in _UNIQUE],
    )


def _all(cursor: Cursor, statement: str) -> list[tuple[Any, ...]]:
    cursor.execute(statement)
    return cursor.fetchall()


def _stream(cursor: Cursor, name: str, statement: str) -> Iterator[tuple[Any, ...]]:
    """Yield rows as they are needed; the cursor belongs to the same transaction and so to the same snapshot."""
    with cursor.connection.cursor(name=name) as streaming:
        streaming.itersize = _AT_ONCE
        streaming.execute(statement)
        yield from streaming


def _uniqueness(cursor: Cursor, table: str, column: str) -> rows.Uniqueness:
    counted = f"SELECT {column}::text, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY 1"  # noqa: S608
    cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  the names are the constants above
    (total,) = cursor.fetchall()[0]
    repeated = _all(cursor, f"{counted} HAVING count(*) > 1 ORDER BY 1")
    return rows.Uniqueness(table, column, total, dict(repeated))


def _decided(row: tuple[Any, ...]) -> rows.Decided:
    signal, decision, order = row[:5], row[5:20], row[20:]
    return rows.Decided(
        rows.Signal(*signal) if signal[0] is not None else None,
        rows.Decision(*decision) if decision[0] is not None else None,
        rows.SignalOrder(*order) if order[0] is not None else None,
    )


def _order(row: tuple[Any, ...]) -> rows.Order:
    fill, position = row[11:16], row[16:]
    return rows.Order._make(
        (
            *row[:11],
            rows.OrderFill(*fill) if fill[0] is not None else None,
            rows.Lifetime(*position) if position[0] is not None else None,
        )
    )
