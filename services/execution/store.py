"""Execution's view of the ledger: read orders with what they concern, write fills, positions and cash at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.execution.accounting import Holding
from services.ledger.connection import Cursor, Ledger
from services.messages import Fill, Order, Side

_ACCOUNT: Final = "SELECT realised_pnl FROM account"
_ORDERS: Final = """
SELECT o.order_id, o.cause, o.symbol, o.side, o.quantity, o.reference_price, o.volatility, o.state,
    f.fill_id, f.quantity, f.price, f.fee, f.slippage_bps, f.realised_pnl,
    (extract(epoch FROM f.filled_at) * 1000000)::bigint
FROM orders o LEFT JOIN fills f USING (order_id) WHERE o.order_id = ANY(%s)
"""
_POSITIONS: Final = "SELECT symbol, position_id, quantity, cost FROM positions"

_WRITE: Final = """
WITH finished AS (
    UPDATE orders SET state = done.state, finished_at = done.finished_at, refusal = done.refusal
    FROM jsonb_populate_recordset(NULL::orders, %(finished)s) AS done WHERE orders.order_id = done.order_id
), new_fills AS (
    INSERT INTO fills (fill_id, order_id, position_id, symbol, side, quantity, price, notional, fee, slippage_bps,
        realised_pnl, filled_at)
    SELECT fill_id, order_id, position_id, symbol, side, quantity, price, notional, fee, slippage_bps,
        realised_pnl, filled_at
    FROM jsonb_populate_recordset(NULL::fills, %(fills)s)
), new_positions AS (
    INSERT INTO positions SELECT * FROM jsonb_populate_recordset(NULL::positions, %(positions)s)
    ON CONFLICT (symbol) DO UPDATE SET position_id = excluded.position_id, quantity = excluded.quantity,
        cost = excluded.cost, updated_at = excluded.updated_at,
        opened_at = CASE WHEN positions.position_id = excluded.position_id
            THEN positions.opened_at ELSE excluded.opened_at END
)
UPDATE account SET cash = cash + %(cash_change)s, realised_pnl = realised_pnl + %(realised)s
"""

_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass
class HeldPosition:
    """What is held of one symbol, and under which id."""

    position_id: str
    holding: Holding


@dataclass(frozen=True)
class KnownOrder:
    """An order as the ledger has it; *fill* if it is filled."""

    cause: str
    symbol: str
    side: Side
    quantity: Decimal
    reference_price: Decimal
    volatility: Decimal
    state: str
    fill: Fill | None

    def is_the_same_as(self, order: Order) -> bool:
        """Tell whether *order* says what the ledger says."""
        return (self.cause, self.symbol, self.side, self.quantity, self.reference_price, self.volatility) == (
            order.cause,
            order.symbol,
            order.side,
            order.quantity,
            order.reference_price,
            order.volatility,
        )


@dataclass
class Account:
    """What execution needs to know of the account at one moment."""

    realised_pnl: Decimal
    positions: dict[str, HeldPosition]
    orders: dict[str, KnownOrder]


@dataclass
class Changes:
    """What a batch of orders changes, as rows of the tables."""

    finished: list[Mapping[str, Any]] = field(default_factory=list)
    fills: list[Mapping[str, Any]] = field(default_factory=list)
    positions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    cash_change: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)


class ExecutionStore:
    """All that execution reads and writes. Every method raises ServerAway if the ledger cannot do it now."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def transaction(self) -> "Any":
        """Begin a transaction for read() and write(); it commits at the end of the with block."""
        return self._ledger.transaction()

    @staticmethod
    def read(cursor: Cursor, order_ids: Sequence[str]) -> Account | None:
        """Return the account with all positions and those of *order_ids* that exist; None before it opens.

        Who asks for orders is about to write fills: the account is locked, so that they commit in their numbers' order.
        """
        cursor.execute(f"{_ACCOUNT} FOR UPDATE" if order_ids else _ACCOUNT)
        account = cursor.fetchone()
        if account is None:
            return None
        cursor.execute(_POSITIONS)
        positions = {row[0]: HeldPosition(row[1], Holding(row[2], row[3])) for row in cursor.fetchall()}
        cursor.execute(_ORDERS, (list(order_ids),))
        return Account(account[0], positions, {row[0]: _known(row) for row in cursor.fetchall()})

    @staticmethod
    def write(cursor: Cursor, changes: Changes) -> None:
        """Add fills, new states, positions and the change of cash."""
        if not changes.finished:
            return
        cursor.execute(
            _WRITE,
            {
                "finished": _encoder.encode(changes.finished).decode(),
                "fills": _encoder.encode(changes.fills).decode(),
                "positions": _encoder.encode(list(changes.positions.values())).decode(),
                "cash_change": changes.cash_change,
                "realised": changes.realised,
            },
        )


def _known(row: tuple[Any, ...]) -> KnownOrder:
    order_id, cause, symbol, side, quantity, reference_price, volatility, state, *filled = row
    fill = None
    if filled[0] is not None:
        fill_id, filled_quantity, price, fee, slippage_bps, realised_pnl, filled_us = filled
        fill = Fill(
            ts_event=filled_us * 1000,
            ts_init=filled_us * 1000,
            fill_id=fill_id,
            order_id=order_id,
            symbol=symbol,
            side=side,
            quantity=filled_quantity,
            price=price,
            fee=fee,
            slippage_bps=slippage_bps,
            realised_pnl=realised_pnl,
        )
    return KnownOrder(cause, symbol, side, quantity, reference_price, volatility, state, fill)
