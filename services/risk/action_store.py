"""The actions of operators in the ledger, each in one transaction with its effect there."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.actions import Recorded
from services.ledger import actions
from services.ledger.connection import Ledger
from services.risk import breaker_rows

_ORDERS: Final = """
INSERT INTO orders (order_id, cause, position_id, action_id, trade_id, symbol, strategy, side, quantity,
    reference_price, volatility, placed_at)
SELECT order_id, cause, position_id, action_id, trade_id, symbol, strategy, side, quantity,
    reference_price, volatility, placed_at
FROM jsonb_populate_recordset(NULL::orders, %s)
"""
_encoder: Final = msgspec.json.Encoder(decimal_format="string")


class ActionStore:
    """Writes actions. What adds one returns False if another one has its id; then nothing is changed.

    Every method raises ServerAway if the ledger cannot do it now.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def wake(self) -> None:
        """See Ledger.wake."""
        self._ledger.wake()

    def find(self, action_id: str) -> Recorded | None:
        """The action under this id."""
        return actions.find_action(self._ledger, action_id)

    def set_breaker(
        self, recorded: Recorded, *, active: bool, equity: Decimal, reference: Decimal, now_ns: int
    ) -> bool:
        """Add *recorded*, and that it has tripped the breaker, or reset it: *equity* then is the new reference."""
        action_id = recorded.action.action_id
        with self._ledger.transaction() as cursor:
            if not actions.insert_action(cursor, recorded):
                return False
            if active:
                breaker_rows.change(
                    cursor,
                    active=True,
                    cause="operator",
                    equity=equity,
                    reference=reference,
                    now_ns=now_ns,
                    action_id=action_id,
                )
            else:
                breaker_rows.reset(cursor, "operator", equity=equity, now_ns=now_ns, action_id=action_id)
            return True

    def flatten(self, recorded: Recorded, orders: Iterable[Mapping[str, Any]]) -> bool:
        """Add *recorded* and its *orders*, rows by column name."""
        with self._ledger.transaction() as cursor:
            if not actions.insert_action(cursor, recorded):
                return False
            cursor.execute(_ORDERS, (_encoder.encode(orders).decode(),))
            return True

    def record(self, recorded: Recorded) -> bool:
        """Add *recorded*, whose effect is elsewhere."""
        with self._ledger.transaction() as cursor:
            return actions.insert_action(cursor, recorded)

    def note_details(self, action_id: str, details: dict[str, Any]) -> None:
        """Replace what is known of an action's effect."""
        actions.note_details(self._ledger, action_id, details)
