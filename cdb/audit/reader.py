"""Read a ledger in one snapshot, the big tables as streams in the order of their numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

import psycopg2

from cdb.audit import rows
from cdb.audit.audit import audit
from cdb.audit.findings import Report
from services.errors import ServerAway
from services.ledger.connection import Cursor, Ledger
from services.ledger.snapshot import snapshot as one_moment

R = TypeVar("R", bound=NamedTuple)
Row = tuple[Any, ...]

_AT_ONCE: Final = 2_000


def _columns(alias: str, kind: type[NamedTuple], *, but: tuple[str, ...] = ()) -> str:
    return ", ".join(f"{alias}.{name}" for name in kind._fields if name not in but)


# Joins are outer ones, so that a row without its counterpart shows instead of vanishing.
_DECIDED: Final = f"""
SELECT {_columns("s", rows.Signal)}, {_columns("d", rows.Decision)}, {_columns("o", rows.SignalOrder)}
FROM signals s
FULL JOIN decisions d ON d.signal_id = s.signal_id
FULL JOIN (
    SELECT *, (SELECT min(fill_seq) FROM fills WHERE fills.order_id = orders.order_id) AS first_fill
    FROM orders WHERE cause = 'signal'
) o ON o.signal_id = coalesce(s.signal_id, d.signal_id)
ORDER BY d.decision_seq
"""  # noqa: S608  the names are those of our own tuples, here and below
_ORDERS: Final = f"""
SELECT {_columns("o", rows.Order, but=("held", "asked", "fill", "position"))},
    CASE WHEN o.cause = 'operator' THEN (
        SELECT coalesce(sum(CASE earlier.side WHEN 'BUY' THEN earlier.quantity ELSE -earlier.quantity END), 0)
        FROM fills earlier JOIN orders eo USING (order_id)
        WHERE earlier.position_id = o.position_id AND eo.order_seq < o.order_seq
    ) END,
    (SELECT what FROM operator_actions a WHERE a.action_id = o.action_id LIMIT 1),
    {_columns("f", rows.OrderFill)}, {_columns("p", rows.Lifetime)}
FROM orders o
LEFT JOIN fills f ON f.order_id = o.order_id
LEFT JOIN (
    SELECT fills.position_id, min(fills.symbol) AS symbol, min(strategy) AS strategy, min(order_seq) AS opened_by,
        CASE WHEN sum(CASE fills.side WHEN 'BUY' THEN fills.quantity ELSE -fills.quantity END) = 0
            THEN max(order_seq) END AS closed_by
    FROM fills LEFT JOIN orders USING (order_id) GROUP BY fills.position_id
) p ON o.cause IN ('stop_loss', 'operator') AND p.position_id = o.position_id
ORDER BY o.order_seq
"""  # noqa: S608
_FILLS: Final = f"""
SELECT {_columns("f", rows.Fill, but=("strategy",))}, o.strategy
FROM fills f LEFT JOIN orders o USING (order_id) ORDER BY f.fill_seq
"""  # noqa: S608
_EQUITY_MARKS: Final = f"""
SELECT {", ".join(rows.EquityMark._fields)} FROM equity_marks ORDER BY fills_seen, at
"""  # noqa: S608
_BREAKER: Final = f"""
SELECT {_columns("b", rows.BreakerChange, but=("asked",))},
    (SELECT what FROM operator_actions a WHERE a.action_id = b.action_id LIMIT 1)
FROM breaker b ORDER BY breaker_seq
"""  # noqa: S608
_ACTIONS: Final = f"""
SELECT {_columns("a", rows.Acted, but=("changes", "orders"))},
    (SELECT count(*) FROM breaker b WHERE b.action_id = a.action_id),
    ARRAY(SELECT order_id FROM orders o WHERE o.action_id = a.action_id)
FROM operator_actions a ORDER BY action_seq
"""  # noqa: S608
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
    ("positions", "symbol || ' ' || strategy"),
    ("equity", "equity_seq"),
    ("breaker", "breaker_seq"),
    ("operator_actions", "action_id"),
    ("operator_actions", "action_seq"),
)


def read_and_audit(ledger: Ledger) -> Report:
    """Audit *ledger* as it is at one moment; writers are not blocked. Raises ServerAway."""
    with snapshot(ledger) as found:
        return audit(found)


@contextmanager
def snapshot(ledger: Ledger) -> Iterator[rows.LedgerRows]:
    """Read *ledger* as of now, whatever is written meanwhile; the big tables are streamed. Raises ServerAway."""
    with one_moment(ledger) as found:
        try:
            yield _rows(found.cursor)
        except psycopg2.ProgrammingError as error:
            raise ServerAway("PostgreSQL", error) from error


def _rows(cursor: Cursor) -> rows.LedgerRows:
    accounts = _small(cursor, rows.Account, "account")
    return rows.LedgerRows(
        taken_at=_all(cursor, "SELECT now()")[0][0],
        account=accounts[0] if accounts else None,
        decided=map(_decided, _stream(cursor, "decided", _DECIDED)),
        orders=map(_order, _stream(cursor, "orders", _ORDERS)),
        fills=map(rows.Fill._make, _stream(cursor, "fills", _FILLS)),
        positions=_small(cursor, rows.Position, "positions"),
        equity_marks=map(rows.EquityMark._make, _stream(cursor, "equity_marks", _EQUITY_MARKS)),
        references=_small(cursor, rows.Reference, "equity ORDER BY equity_seq"),
        breaker=[rows.BreakerChange._make(row) for row in _all(cursor, _BREAKER)],
        actions=[rows.Acted._make(row) for row in _all(cursor, _ACTIONS)],
        adjustments=_small(cursor, rows.Adjustment, "test_adjustments ORDER BY adjustment_seq"),
        uniqueness=[_uniqueness(cursor, table, column) for table, column in _UNIQUE],
    )


def _small(cursor: Cursor, kind: type[R], table: str) -> list[R]:
    return [kind(*row) for row in _all(cursor, f"SELECT {', '.join(kind._fields)} FROM {table}")]  # noqa: S608


def _all(cursor: Cursor, statement: str) -> list[Row]:
    cursor.execute(statement)
    return cursor.fetchall()


def _stream(cursor: Cursor, name: str, statement: str) -> Iterator[Row]:
    """Yield rows as they are needed; the cursor belongs to the same transaction and so to the same snapshot."""
    with cursor.connection.cursor(name=name) as streaming:
        streaming.itersize = _AT_ONCE
        streaming.execute(statement)
        yield from streaming


def _uniqueness(cursor: Cursor, table: str, column: str) -> rows.Uniqueness:
    counted = f"SELECT {column}::text, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY 1"  # noqa: S608
    total = _all(cursor, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608
    repeated = _all(cursor, f"{counted} HAVING count(*) > 1 ORDER BY 1")
    return rows.Uniqueness(table, column, total, dict(repeated))


def _decided(row: Row) -> rows.Decided:
    signal, decision, order = _sides(row, rows.Signal, rows.Decision, rows.SignalOrder)
    return rows.Decided(signal, decision, order)


def _order(row: Row) -> rows.Order:
    own = len(rows.Order._fields) - 2
    return rows.Order._make((*row[:own], *_sides(row[own:], rows.OrderFill, rows.Lifetime)))


def _sides(row: Row, *kinds: type[NamedTuple]) -> Iterator[Any]:
    """Cut the row of a join into its sides; None for a side that is missing."""
    for kind in kinds:
        size = len(kind._fields)
        side, row = row[:size], row[size:]
        yield None if side[0] is None else kind._make(side)
