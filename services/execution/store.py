"""Execution's view of the ledger: read orders with what they concern, write fills, positions and cash at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.decoding import prepared
from services.execution.accounting import Holding
from services.execution.results import Results
from services.ledger.connection import Ledger
from services.messages import Fill, Order, PositionKey, Side

_PREPARE_READ: Final = """
PREPARE execution_read (text[]) AS SELECT json_build_object(
    'cash', account.cash,
    'realised_pnl', account.realised_pnl,
    'fills_seen', coalesce((SELECT max(fill_seq) FROM fills), 0),
    'positions', (SELECT coalesce(json_agg(json_build_object('symbol', symbol, 'strategy', strategy,
        'position_id', position_id, 'quantity', quantity, 'cost', cost)), '[]') FROM positions),
    'orders', (SELECT coalesce(json_agg(json_build_object('order_id', o.order_id, 'cause', o.cause, 'symbol', o.symbol,
        'strategy', o.strategy, 'side', o.side, 'quantity', o.quantity, 'reference_price', o.reference_price,
        'volatility', o.volatility, 'state', o.state, 'fill', CASE WHEN f.fill_id IS NOT NULL THEN json_build_object(
            'fill_id', f.fill_id, 'quantity', f.quantity, 'price', f.price, 'fee', f.fee,
            'slippage_bps', f.slippage_bps, 'realised_pnl', f.realised_pnl,
            'filled_us', (extract(epoch FROM f.filled_at) * 1000000)::bigint) END)), '[]')
        FROM orders o LEFT JOIN fills f USING (order_id) WHERE o.order_id = ANY($1))
)::text FROM account
"""

_PREPARE_WRITE: Final = """
PREPARE execution_write (jsonb, jsonb, jsonb, numeric, numeric, jsonb, numeric, bigint) AS WITH fence AS (
    SELECT $6 IS NULL OR (cash = $7
        AND coalesce((SELECT max(fill_seq) FROM fills), 0) = $8
        AND (SELECT count(*) FROM jsonb_populate_recordset(NULL::orders, $6) AS told JOIN orders AS o USING (order_id)
            WHERE o.state = 'placed' AND (o.cause, o.symbol, o.strategy, o.side, o.quantity, o.reference_price,
                o.volatility) = (told.cause, told.symbol, told.strategy, told.side, told.quantity,
                told.reference_price, told.volatility)) = jsonb_array_length($6)) AS holds
    FROM account
), finished AS (
    UPDATE orders SET state = done.state, finished_at = done.finished_at, refusal = done.refusal
    FROM fence, jsonb_populate_recordset(NULL::orders, $1) AS done WHERE holds AND orders.order_id = done.order_id
), new_fills AS (
    INSERT INTO fills (fill_id, order_id, position_id, symbol, side, quantity, price, notional, fee, slippage_bps,
        realised_pnl, filled_at)
    SELECT fill_id, order_id, position_id, symbol, side, quantity, price, notional, fee, slippage_bps,
        realised_pnl, filled_at
    FROM fence, jsonb_populate_recordset(NULL::fills, $2) WHERE holds
    RETURNING fill_seq
), new_positions AS (
    INSERT INTO positions SELECT new.* FROM fence, jsonb_populate_recordset(NULL::positions, $3) AS new WHERE holds
    ON CONFLICT (symbol, strategy) DO UPDATE SET position_id = excluded.position_id, quantity = excluded.quantity,
        cost = excluded.cost, updated_at = excluded.updated_at,
        opened_at = CASE WHEN positions.position_id = excluded.position_id
            THEN positions.opened_at ELSE excluded.opened_at END
), new_cash AS (
    UPDATE account SET cash = cash + $4, realised_pnl = realised_pnl + $5 FROM fence WHERE holds
)
SELECT CASE WHEN holds THEN coalesce((SELECT max(fill_seq) FROM new_fills), (SELECT max(fill_seq) FROM fills), 0) END
FROM fence
"""

_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass
class HeldPosition:
    """What a strategy holds of one symbol, and under which id."""

    position_id: str
    holding: Holding


@dataclass(frozen=True)
class KnownOrder:
    """An order as the ledger has it; *fill* if it is filled."""

    cause: str
    symbol: str
    strategy: str
    side: Side
    quantity: Decimal
    reference_price: Decimal
    volatility: Decimal
    state: str = "placed"
    fill: Fill | None = None

    def is_the_same_as(self, order: Order) -> bool:
        """Whether *order* says what the ledger says."""
        return order.strategy in {"", self.strategy} and (
            self.cause,
            self.symbol,
            self.side,
            self.quantity,
            self.reference_price,
            self.volatility,
        ) == (order.cause, order.symbol, order.side, order.quantity, order.reference_price, order.volatility)


@dataclass
class Account:
    """What execution needs to know of the account at one moment. *session* is the connection that it was read by."""

    cash: Decimal
    realised_pnl: Decimal
    positions: dict[PositionKey, HeldPosition]
    orders: dict[str, KnownOrder]
    fills_seen: int
    session: int


@dataclass(frozen=True)
class Fence:
    """What changes are made from that was not read for them: the orders as they arrived, and the account."""

    orders: Sequence[Order]
    cash: Decimal
    fills_seen: int


@dataclass
class Changes:
    """What a batch of orders changes, as rows of the tables."""

    finished: list[Mapping[str, Any]] = field(default_factory=list)
    fills: list[Mapping[str, Any]] = field(default_factory=list)
    positions: dict[PositionKey, Mapping[str, Any]] = field(default_factory=dict)
    cash_change: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)


class _PositionRow(msgspec.Struct):
    symbol: str
    strategy: str
    position_id: str
    quantity: Decimal
    cost: Decimal


class _FillRow(msgspec.Struct):
    fill_id: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    slippage_bps: Decimal
    realised_pnl: Decimal | None
    filled_us: int


class _OrderRow(msgspec.Struct):
    order_id: str
    cause: str
    symbol: str
    strategy: str
    side: Side
    quantity: Decimal
    reference_price: Decimal
    volatility: Decimal
    state: str
    fill: _FillRow | None


class _AccountRow(msgspec.Struct):
    cash: Decimal
    realised_pnl: Decimal
    fills_seen: int
    positions: list[_PositionRow]
    orders: list[_OrderRow]


_account_decoder = msgspec.json.Decoder(prepared(_AccountRow))


class ExecutionStore:
    """All that execution reads and writes. Every method raises ServerAway if the ledger cannot do it now.

    Nobody else writes fills or positions (the ledger's connection sees to that), so nothing needs a lock between
    reading and writing.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ledger.prepare(_PREPARE_READ, _PREPARE_WRITE)

    def read(self, order_ids: Sequence[str] = ()) -> Account | None:
        """The account with all positions and those of *order_ids* that exist, as of one moment.

        None before risk has opened the account.
        """
        rows = self._ledger.execute("EXECUTE execution_read (%s)", (list(order_ids),))
        if not rows:
            return None
        row = _account_decoder.decode(rows[0][0])
        positions = {
            PositionKey(p.symbol, p.strategy): HeldPosition(p.position_id, Holding(p.quantity, p.cost))
            for p in row.positions
        }
        orders = {order.order_id: _known(order) for order in row.orders}
        return Account(row.cash, row.realised_pnl, positions, orders, row.fills_seen, self._ledger.session)

    @property
    def session(self) -> int:
        """See Ledger.session."""
        return self._ledger.session

    def follow(self, results: Results) -> bool:
        """Have *results* take in the next fills; whether these were all."""
        return results.follow(self._ledger)

    def write(self, changes: Changes, *, made_from: Fence | None = None) -> int | None:
        """Add fills, new states, positions and the change of cash, all or nothing; the number of the newest fill then.

        None, and nothing is added, if they are *made_from* what the ledger has otherwise.
        """
        rows = (changes.finished, changes.fills, list(changes.positions.values()))
        arguments = [_encoder.encode(row).decode() for row in rows]
        ((fills_seen,),) = self._ledger.execute(
            "EXECUTE execution_write (%s, %s, %s, %s, %s, %s, %s, %s)",
            (*arguments, changes.cash_change, changes.realised, *_fence(made_from)),
        )
        return None if fills_seen is None else int(fills_seen)


def as_told(order: Order) -> KnownOrder | None:
    """What the ledger should have of *order* if it waits for its fill; None if *order* does not tell all of it."""
    if not order.strategy:
        return None
    return KnownOrder(
        cause=order.cause,
        symbol=order.symbol,
        strategy=order.strategy,
        side=order.side,
        quantity=order.quantity,
        reference_price=order.reference_price,
        volatility=order.volatility,
    )


def _fence(made_from: Fence | None) -> tuple[object, ...]:
    if made_from is None:
        return (None,) * 3
    return _encoder.encode(made_from.orders).decode(), made_from.cash, made_from.fills_seen


def _known(row: _OrderRow) -> KnownOrder:
    fill = None
    if row.fill is not None:
        fill = Fill(
            ts_event=row.fill.filled_us * 1000,
            ts_init=row.fill.filled_us * 1000,
            fill_id=row.fill.fill_id,
            order_id=row.order_id,
            symbol=row.symbol,
            side=row.side,
            quantity=row.fill.quantity,
            price=row.fill.price,
            fee=row.fill.fee,
            slippage_bps=row.fill.slippage_bps,
            realised_pnl=row.fill.realised_pnl,
        )
    return KnownOrder(
        cause=row.cause,
        symbol=row.symbol,
        strategy=row.strategy,
        side=row.side,
        quantity=row.quantity,
        reference_price=row.reference_price,
        volatility=row.volatility,
        state=row.state,
        fill=fill,
    )
