"""What became of the positions that an action closes, read from the ledger."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.ledger.connection import Ledger

_LOOK_S: Final = 0.2
_SALES: Final = """
SELECT o.symbol, o.strategy, o.state, o.refusal, o.quantity, f.price, f.fee, f.realised_pnl
FROM orders o LEFT JOIN fills f USING (order_id) WHERE o.action_id = %s ORDER BY o.order_seq
"""
_HELD: Final = """
SELECT symbol, strategy, quantity FROM positions WHERE position_id = ANY(%s) AND quantity > 0 ORDER BY symbol, strategy
"""


@dataclass(frozen=True)
class Sale:
    """One order of the action; price, fee and result are those of its fill, None without one."""

    symbol: str
    strategy: str
    state: str
    refusal: str | None
    quantity: Decimal
    price: Decimal | None
    fee: Decimal | None
    result: Decimal | None


@dataclass(frozen=True)
class Left:
    """What is still held of a position that was to be closed."""

    symbol: str
    strategy: str
    quantity: Decimal


@dataclass(frozen=True)
class Sold:
    """The action's sales, and what is still held of its positions."""

    sales: Sequence[Sale]
    left: Sequence[Left]

    @property
    def result(self) -> Decimal:
        """Of all sales, after fees."""
        return sum((sale.result for sale in self.sales if sale.result is not None), Decimal(0))


def wait_sold(ledger: Ledger, action_id: str, position_ids: Sequence[str], *, within_s: float) -> Sold:
    """Wait until nothing of the positions is held, or time is up. Raises ServerAway."""
    deadline = time.monotonic() + within_s
    while (left := _left(ledger, position_ids)) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return Sold([Sale(*row) for row in ledger.execute(_SALES, (action_id,))], left)


def _left(ledger: Ledger, position_ids: Sequence[str]) -> list[Left]:
    return [Left(*row) for row in ledger.execute(_HELD, (list(position_ids),))]
