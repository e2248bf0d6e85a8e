"""Pages of decisions, newest first, that a ledger of any size gives quickly.

Rows are found by their numbers, of which there is an index; what else is asked for is compared row by row, with a bound
on how many rows one page looks at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from console.decisions.asked import Wanted
from console.numbered import first_since
from services.ledger.results import Reader

ON_PAGE: Final = 50
LOOKED_AT: Final = 10_000
"""Decisions that one page looks at to find those asked for; each has a signal to be read, too."""
ORDERS_LOOKED_AT: Final = 100_000
_MOST: Final = 2**63 - 1

# The subqueries keep PostgreSQL from reading whole tables: OFFSET 0 has each row joined by itself.
_DECISIONS: Final = """
SELECT d.decision_seq, d.signal_id, d.decided_at, s.symbol, s.side, s.strategy, d.verdict, d.layer, d.reason,
    extract(epoch FROM d.decided_at - s.ts_init) * 1000, d.equity, d.exposure_before, d.exposure_after,
    o.state, f.price, f.realised_pnl
FROM (
    SELECT * FROM decisions WHERE decision_seq >= %(first)s AND decision_seq < %(before)s
    ORDER BY decision_seq DESC LIMIT %(looked_at)s
) d
CROSS JOIN LATERAL (SELECT * FROM signals WHERE signals.signal_id = d.signal_id OFFSET 0) s
LEFT JOIN LATERAL (SELECT * FROM orders WHERE orders.signal_id = d.signal_id OFFSET 0) o ON true
LEFT JOIN LATERAL (SELECT * FROM fills WHERE fills.order_id = o.order_id OFFSET 0) f ON true
WHERE (%(symbol)s::text IS NULL OR s.symbol = %(symbol)s)
    AND (%(strategy)s::text IS NULL OR s.strategy = %(strategy)s)
    AND (%(verdict)s::text IS NULL OR d.verdict = %(verdict)s)
    AND (%(reason)s::text IS NULL OR d.reason = %(reason)s)
    AND (%(slower_ms)s::float IS NULL
        OR d.decided_at - s.ts_init > %(slower_ms)s::float * interval '1 millisecond')
ORDER BY d.decision_seq DESC LIMIT %(on_page)s
"""
_ORDERS: Final = """
SELECT o.order_seq, o.order_id, o.placed_at, o.symbol, o.side, o.strategy, o.quantity, o.reference_price,
    o.state, f.price, f.realised_pnl
FROM (
    SELECT * FROM orders WHERE order_seq >= %(first)s AND order_seq < %(before)s
    ORDER BY order_seq DESC LIMIT %(looked_at)s
) o
LEFT JOIN LATERAL (SELECT * FROM fills WHERE fills.order_id = o.order_id OFFSET 0) f ON true
WHERE o.cause = %(cause)s
    AND (%(symbol)s::text IS NULL OR o.symbol = %(symbol)s)
    AND (%(strategy)s::text IS NULL OR o.strategy = %(strategy)s)
ORDER BY o.order_seq DESC LIMIT %(on_page)s
"""


class Decision(NamedTuple):
    """One decision. *since_signal_ms* is the time from its signal to it; from *state* on it is about its order."""

    seq: int
    signal_id: str
    at: datetime
    symbol: str
    side: str
    strategy: str
    verdict: str
    layer: int | None
    reason: str | None
    since_signal_ms: Decimal
    equity: Decimal
    exposure_before: Decimal
    exposure_after: Decimal
    state: str | None
    price: Decimal | None
    realised_pnl: Decimal | None


class Order(NamedTuple):
    """One order without a decision, and its fill."""

    seq: int
    order_id: str
    at: datetime
    symbol: str
    side: str
    strategy: str
    quantity: Decimal
    reference_price: Decimal
    state: str
    price: Decimal | None
    realised_pnl: Decimal | None


@dataclass(frozen=True)
class Page:
    """Rows, newest first. *older* is `before` of the next page, None after the last one.

    *looked_back_to* says how far this page looked in vain, if it found fewer rows than it could show.
    """

    rows: Sequence[Decision | Order]
    older: int | None = None
    looked_back_to: datetime | None = None


@dataclass(frozen=True)
class _Table:
    """A table whose rows have numbers that rise with time."""

    statement: str
    row: Callable[..., Decision | Order]
    newest: str
    next: str
    last_looked_at: str
    most: int


def _table(name: str, seq: str, at: str, *, most: int, statement: str, row: Callable[..., Decision | Order]) -> _Table:
    looked_at = f"""
        SELECT {seq}, {at} FROM {name} WHERE {seq} >= %(first)s AND {seq} < %(before)s
        ORDER BY {seq} DESC OFFSET %(looked_at)s - 1 LIMIT 1
    """  # noqa: S608  names of our own, here and below
    newest = f"SELECT {seq} FROM {name} ORDER BY {seq} DESC LIMIT 1"  # noqa: S608
    after = f"SELECT {seq}, {at} FROM {name} WHERE {seq} >= %s ORDER BY {seq} LIMIT 1"  # noqa: S608
    return _Table(statement, row, newest, after, looked_at, most)


_OF_DECISIONS: Final = _table(
    "decisions", "decision_seq", "decided_at", most=LOOKED_AT, statement=_DECISIONS, row=Decision
)
_OF_ORDERS: Final = _table("orders", "order_seq", "placed_at", most=ORDERS_LOOKED_AT, statement=_ORDERS, row=Order)


def page_of(ledger: Reader, wanted: Wanted, *, on_page: int = ON_PAGE, looked_at: int | None = None) -> Page:
    """Read the page that is *wanted*, from at most *looked_at* rows. Raises ServerAway."""
    decisions = wanted.cause == "signal"
    if not decisions and wanted.of_decisions_only:
        return Page(())
    table = _OF_DECISIONS if decisions else _OF_ORDERS
    first, before = _numbers(ledger, table, wanted)
    bounds = {"first": first, "before": before, "looked_at": looked_at or table.most}
    chosen = {name: getattr(wanted, name) for name in ("cause", "symbol", "strategy", "verdict", "reason", "slower_ms")}
    found = [table.row(*row) for row in ledger.execute(table.statement, {**bounds, **chosen, "on_page": on_page + 1})]
    if len(found) > on_page:
        return Page(found[:on_page], older=found[on_page - 1].seq)
    for seq, at in ledger.execute(table.last_looked_at, bounds):
        return Page(found, older=seq, looked_back_to=at)
    return Page(found)


def _numbers(ledger: Reader, table: _Table, wanted: Wanted) -> tuple[int, int]:
    """The numbers between which the rows are; the second one is not among them."""
    first, before = 0, _MOST if wanted.before is None else wanted.before
    newest = next((seq for (seq,) in ledger.execute(table.newest)), 0)

    def after(seq: int) -> tuple[int, datetime] | None:
        return next(((number, at) for number, at in ledger.execute(table.next, (seq,))), None)

    if wanted.begin is not None:
        first = first_since(after, newest, wanted.begin)
    if wanted.until is not None:
        before = min(before, first_since(after, newest, wanted.until))
    return first, before
