"""Risk's view of the ledger: read the book in one statement, write what was decided in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.clock import to_datetime, utc_day
from services.costs import UNIT
from services.decoding import prepared
from services.ledger import results
from services.ledger.connection import Ledger
from services.messages import Cause, Order, Side
from services.performance.equity import EquityCurve
from services.risk import breaker_rows
from services.risk.action_store import ActionStore
from services.risk.breaker_rows import BreakerCause
from services.risk.ledger_rows import Rows
from services.risk.portfolio import Book, InFlight, Mark, Portfolio, Position

_PREPARE_BOOK: Final = """
PREPARE risk_book (text[], text[]) AS SELECT json_build_object(
    'cash', account.cash,
    'positions', (SELECT coalesce(json_agg(json_build_object('symbol', symbol, 'strategy', strategy,
        'position_id', position_id, 'quantity', quantity, 'cost', cost) ORDER BY symbol, strategy), '[]')
        FROM positions WHERE quantity > 0),
    'in_flight', (SELECT coalesce(json_agg(json_build_object('order_id', order_id, 'symbol', symbol,
        'strategy', strategy, 'side', side, 'quantity', quantity, 'reference_price', reference_price)
        ORDER BY order_seq), '[]')
        FROM orders WHERE state = 'placed'),
    'reference', (SELECT json_build_object('equity', equity, 'day', day) FROM equity ORDER BY equity_seq DESC LIMIT 1),
    'breaker_active', coalesce((SELECT active FROM breaker ORDER BY breaker_seq DESC LIMIT 1), false),
    'fills_seen', coalesce((SELECT max(fill_seq) FROM fills), 0),
    'decided', (SELECT coalesce(json_agg(signal_id), '[]') FROM decisions WHERE signal_id = ANY($1)),
    'asked', (SELECT coalesce(json_agg(json_build_object('order_id', order_id, 'symbol', symbol, 'side', side,
        'quantity', quantity)), '[]') FROM orders WHERE order_id = ANY($2))
)::text FROM account
"""

_PREPARE_WRITE: Final = """
PREPARE risk_write (jsonb, jsonb, jsonb, jsonb, numeric, bigint, numeric, date, boolean) AS WITH fence AS (
    SELECT $5 IS NULL OR coalesce(cash = $5
        AND coalesce((SELECT max(fill_seq) FROM fills), 0) = $6
        AND NOT EXISTS (SELECT FROM orders WHERE state = 'placed')
        AND (SELECT (equity, day) = ($7, $8) FROM equity ORDER BY equity_seq DESC LIMIT 1)
        AND coalesce((SELECT active FROM breaker ORDER BY breaker_seq DESC LIMIT 1), false) = $9
        AND NOT EXISTS (SELECT FROM jsonb_populate_recordset(NULL::signals, $1) JOIN decisions USING (signal_id)),
        false) AS holds
    FROM account
), new_signals AS (
    INSERT INTO signals SELECT new.* FROM fence, jsonb_populate_recordset(NULL::signals, $1) AS new WHERE holds
), new_decisions AS (
    INSERT INTO decisions (signal_id, verdict, layer, reason, quantity, decided_at, fills_seen, cash, equity,
        reference_equity, exposure_before, exposure_after, position_after, breaker_active, marks, limits)
    SELECT signal_id, verdict, layer, reason, quantity, decided_at, fills_seen, cash, equity,
        reference_equity, exposure_before, exposure_after, position_after, breaker_active, marks, limits
    FROM fence, jsonb_populate_recordset(NULL::decisions, $2) WHERE holds
), new_breaker AS (
    INSERT INTO breaker (active, cause, equity, reference_equity, changed_at)
    SELECT active, cause, equity, reference_equity, changed_at
    FROM fence, jsonb_populate_recordset(NULL::breaker, $4) WHERE holds
), new_orders AS (
    INSERT INTO orders (order_id, cause, signal_id, position_id, trade_id, symbol, strategy, side, quantity,
        reference_price, volatility, placed_at)
    SELECT order_id, cause, signal_id, position_id, trade_id, symbol, strategy, side, quantity,
        reference_price, volatility, placed_at
    FROM fence, jsonb_populate_recordset(NULL::orders, $3) WHERE holds
)
SELECT holds FROM fence
"""

_WRITE_STOP_LOSS: Final = """
INSERT INTO orders (order_id, cause, position_id, trade_id, symbol, strategy, side, quantity, reference_price,
    volatility, placed_at)
SELECT order_id, cause, position_id, trade_id, symbol, strategy, side, quantity, reference_price, volatility, placed_at
FROM jsonb_populate_recordset(NULL::orders, %s)
ON CONFLICT (order_id) DO NOTHING RETURNING order_id
"""

_PLACED: Final = """
SELECT order_id, cause, symbol, strategy, side, quantity, reference_price, volatility,
    (extract(epoch FROM placed_at) * 1000000)::bigint FROM orders WHERE state = 'placed' ORDER BY order_seq LIMIT 500
"""

_NEWEST_ORDERS: Final = """
SELECT order_seq, (extract(epoch FROM placed_at) * 1000000)::bigint FROM orders
WHERE order_seq < coalesce(%(before)s, 9223372036854775807) ORDER BY order_seq DESC LIMIT 500
"""

_SAVE_MARKS: Final = """
INSERT INTO marks SELECT * FROM jsonb_populate_recordset(NULL::marks, %s)
ON CONFLICT (symbol) DO UPDATE SET price = excluded.price, trade_id = excluded.trade_id, ts_event = excluded.ts_event
"""

_MARK_EQUITY: Final = """
INSERT INTO equity_marks SELECT * FROM jsonb_populate_recordset(NULL::equity_marks, %s) ON CONFLICT DO NOTHING
"""

_OPEN_ACCOUNT: Final = """
INSERT INTO account (opening_cash, cash, sources) VALUES (%(cash)s, %(cash)s, %(sources)s) ON CONFLICT DO NOTHING
"""

_NOTE_SOURCE: Final = """
UPDATE account SET sources = array_append(sources, %(source)s) WHERE NOT %(source)s = ANY (coalesce(sources, '{}'))
"""

_encoder = msgspec.json.Encoder(decimal_format="string")


class _PositionRow(msgspec.Struct):
    symbol: str
    strategy: str
    position_id: str
    quantity: Decimal
    cost: Decimal


class _OrderRow(msgspec.Struct):
    order_id: str
    symbol: str
    strategy: str
    side: Side
    quantity: Decimal
    reference_price: Decimal


class _AskedRow(msgspec.Struct):
    order_id: str
    symbol: str
    side: Side
    quantity: Decimal


class _Reference(msgspec.Struct):
    equity: Decimal
    day: date


class _BookRow(msgspec.Struct):
    cash: Decimal
    positions: list[_PositionRow]
    in_flight: list[_OrderRow]
    reference: _Reference | None
    breaker_active: bool
    fills_seen: int
    decided: list[str]
    asked: list[_AskedRow]


_book_decoder = msgspec.json.Decoder(prepared(_BookRow))


@dataclass(frozen=True)
class PlacedOrder:
    """What a fill is checked against."""

    symbol: str
    side: str
    quantity: Decimal


@dataclass(frozen=True)
class Reading:
    """The ledger as of one moment: the book, and which of the signals asked for are decided, which orders known.

    *session* is the connection that it was read by.
    """

    book: Book
    decided: frozenset[str]
    orders: Mapping[str, PlacedOrder]
    session: int


class RiskStore:
    """All that risk reads and writes. Every method raises ServerAway if the ledger cannot do it now.

    *source* is where prices come from; the account remembers every one that it has traded on. "" is none to remember.
    """

    def __init__(self, ledger: Ledger, *, opening_cash: Decimal, source: str = "") -> None:
        self._ledger = ledger
        self._ledger.prepare(_PREPARE_BOOK, _PREPARE_WRITE)
        self.actions = ActionStore(ledger)
        self._opening_cash = opening_cash
        self._source = source
        self._has_noted_source = not source

    def load(self, signal_ids: Iterable[str] = (), order_ids: Iterable[str] = (), *, delay_s: float = 0.0) -> Reading:
        """The book, which of *signal_ids* are decided already, and those of *order_ids* that the ledger knows.

        The account is opened if there is none. *delay_s* makes the ledger take that much longer, for trying out
        what slow decisions look like.
        """
        if delay_s:
            self._ledger.execute("SELECT pg_sleep(%s)", (delay_s,))
        asked = [*signal_ids], [*order_ids]
        rows = self._ledger.execute("EXECUTE risk_book (%s, %s)", asked)
        if not rows:
            sources = [self._source] if self._source else None
            self._ledger.execute(_OPEN_ACCOUNT, {"cash": self._opening_cash, "sources": sources})
            rows = self._ledger.execute("EXECUTE risk_book (%s, %s)", asked)
        return _reading_of(_book_decoder.decode(rows[0][0]), self._ledger.session)

    @property
    def session(self) -> int:
        """See Ledger.session."""
        return self._ledger.session

    def adopt(self) -> None:
        """Take an account that has no source, because it is older than the column, to be of this one."""
        if self._source:
            self._ledger.execute("UPDATE account SET sources = ARRAY[%s] WHERE sources IS NULL", (self._source,))

    def note_source(self) -> None:
        """Remember that the account trades on this source; to be called before each order."""
        if not self._has_noted_source:
            self._ledger.execute(_NOTE_SOURCE, {"source": self._source})
            self._has_noted_source = True

    def wake(self) -> None:
        """See Ledger.wake."""
        self._ledger.wake()

    def write_decisions(self, rows: Rows, *, made_from: Book | None = None) -> bool:
        """Add signals, decisions, orders and a trip of the breaker, all or nothing.

        False, and nothing is added, if they are *made_from* a book that is no longer the ledger's, or one of the
        signals is decided. No order was in flight in that book; without one nothing of this is looked at.
        """
        if rows.orders:
            self.note_source()
        values = (rows.signals, rows.decisions, rows.orders, rows.breaker)
        arguments = [_encoder.encode(value).decode() for value in values]
        ((written,),) = self._ledger.execute(
            "EXECUTE risk_write (%s, %s, %s, %s, %s, %s, %s, %s, %s)", (*arguments, *_fence(made_from))
        )
        return bool(written)

    def write_stop_loss(self, order: Mapping[str, Any]) -> bool:
        """Add the order of a stop loss; False if this trade has set it off already."""
        self.note_source()
        return bool(self._ledger.execute(_WRITE_STOP_LOSS, (_encoder.encode([order]).decode(),)))

    def save_marks(self, marks: Mapping[str, Mark]) -> None:
        """Keep the newest prices."""
        if marks:
            rows = [
                {"symbol": s, "price": m.price, "trade_id": m.trade_id, "ts_event": m.ts_event}
                for s, m in marks.items()
            ]
            self._ledger.execute(_SAVE_MARKS, (_encoder.encode(rows).decode(),))

    def load_marks(self) -> dict[str, Mark]:
        """The newest prices that were kept."""
        rows = self._ledger.execute("SELECT symbol, price, trade_id, ts_event FROM marks")
        return {symbol: Mark(price, trade_id, ts_event) for symbol, price, trade_id, ts_event in rows}

    def mark_equity(self, portfolio: Portfolio, *, at_ns: int) -> None:
        """Note what the account is worth as of *at_ns*, unless that has been noted."""
        prices = {s: portfolio.marks[s].price for s in sorted(portfolio.book.symbols()) if s in portfolio.marks}
        row = {
            "at": to_datetime(at_ns),
            "cash": portfolio.book.cash,
            "exposure": portfolio.held(),
            "equity": portfolio.equity(),
            "reference_equity": portfolio.reference_equity(),
            "drawdown": portfolio.drawdown().quantize(UNIT),
            "fills_seen": portfolio.book.fills_seen,
            "marks": prices,
        }
        self._ledger.execute(_MARK_EQUITY, (_encoder.encode([row]).decode(),))

    def last_equity_mark_ns(self) -> int | None:
        """The time of the newest mark of equity, in nanoseconds; None if there is none."""
        ((found_us,),) = self._ledger.execute(
            "SELECT (extract(epoch FROM max(at)) * 1000000)::bigint FROM equity_marks"
        )
        return None if found_us is None else int(found_us) * 1000

    def follow_equity(self, curve: EquityCurve, *, most: int) -> int:
        """Add to *curve* the oldest *most* marks of equity later than its newest one; how many there were."""
        return results.follow_equity(self._ledger, curve, most=most)

    def open_day(self, equity: Decimal, *, now_ns: int, reset_breaker: bool) -> bool:
        """Note the day's opening equity; a new day also resets the breaker. False if it has been open already."""
        with self._ledger.transaction() as cursor:
            cursor.execute(
                "INSERT INTO equity (day, cause, equity, noted_at) VALUES (%s, 'day_open', %s, %s) "
                "ON CONFLICT DO NOTHING",
                (utc_day(now_ns), equity, to_datetime(now_ns)),
            )
            is_new = cursor.rowcount == 1
            if is_new and reset_breaker:
                breaker_rows.change(
                    cursor, active=False, cause="day_turn", equity=equity, reference=equity, now_ns=now_ns
                )
            return is_new

    def trip_breaker(self, cause: BreakerCause, *, equity: Decimal, reference: Decimal, now_ns: int) -> None:
        """Note that the breaker has tripped."""
        with self._ledger.transaction() as cursor:
            breaker_rows.change(cursor, active=True, cause=cause, equity=equity, reference=reference, now_ns=now_ns)

    def reset_breaker(self, cause: BreakerCause, *, equity: Decimal, now_ns: int) -> None:
        """Reset the breaker; *equity* becomes the day's new reference."""
        with self._ledger.transaction() as cursor:
            breaker_rows.reset(cursor, cause, equity=equity, now_ns=now_ns)

    def adjust(self, amount: Decimal, *, reason: str, now_ns: int) -> None:
        """Add *amount* to the account's cash as a test adjustment that the audit knows."""
        with self._ledger.transaction() as cursor:
            cursor.execute(
                "INSERT INTO test_adjustments (amount, reason, noted_at) VALUES (%s, %s, %s)",
                (amount, reason, to_datetime(now_ns)),
            )
            cursor.execute("UPDATE account SET cash = cash + %s", (amount,))

    def adjustments(self) -> Decimal:
        """The sum of all test adjustments."""
        return Decimal(self._ledger.execute("SELECT coalesce(sum(amount), 0) FROM test_adjustments")[0][0])

    def placed_orders(self) -> list[Order]:
        """Orders without a final state, oldest first, as they were sent."""
        return [_order_of(row) for row in self._ledger.execute(_PLACED)]

    def withdraw(self, order: Order, problem: object, *, now_ns: int) -> None:
        """Give *order* its final state, unless it has one: nobody can ever read it."""
        self._ledger.execute(
            "UPDATE orders SET state = 'refused', refusal = %s, finished_at = %s "
            "WHERE order_id = %s AND state = 'placed'",
            (f"UNREADABLE: {problem}", to_datetime(max(now_ns, order.ts_event)), order.order_id),
        )

    def order_times_ns(self, *, since_ns: int) -> list[int]:
        """When each order since *since_ns* was placed, oldest first."""
        found: list[int] = []
        before = None
        while True:
            rows = self._ledger.execute(_NEWEST_ORDERS, {"before": before})
            times = [microseconds * 1000 for _, microseconds in rows]
            found += [time_ns for time_ns in times if time_ns > since_ns]
            if not times or times[-1] <= since_ns:
                return sorted(found)
            before = rows[-1][0]


def _fence(book: Book | None) -> tuple[object, ...]:
    if book is None:
        return (None,) * 5
    return book.cash, book.fills_seen, book.reference_equity, book.reference_day, book.breaker_active


def _reading_of(row: _BookRow, session: int) -> Reading:
    book = Book(
        cash=row.cash,
        positions={
            position.key: position
            for position in (Position(p.symbol, p.strategy, p.position_id, p.quantity, p.cost) for p in row.positions)
        },
        in_flight=tuple(
            InFlight(o.order_id, o.symbol, o.strategy, o.side, o.quantity, o.reference_price) for o in row.in_flight
        ),
        reference_equity=row.reference.equity if row.reference else None,
        reference_day=row.reference.day if row.reference else None,
        breaker_active=row.breaker_active,
        fills_seen=row.fills_seen,
    )
    orders = {order.order_id: PlacedOrder(order.symbol, order.side, order.quantity) for order in row.asked}
    return Reading(book, frozenset(row.decided), orders, session)


def _order_of(row: tuple[Any, ...]) -> Order:
    order_id, cause, symbol, strategy, side, quantity, reference_price, volatility, placed_us = row
    cause_of: Cause = cause
    return Order(
        ts_event=placed_us * 1000,
        ts_init=placed_us * 1000,
        order_id=order_id,
        cause=cause_of,
        symbol=symbol,
        strategy=strategy,
        side=side,
        quantity=quantity,
        reference_price=reference_price,
        volatility=volatility,
    )
