"""What sales have cost if the oldest purchases go first (FIFO): over the whole account, symbol by symbol.

The bot's own accounting knows the average cost of each strategy's position. Tax rules that ask for FIFO know no
strategies: what was bought first is sold first, whoever bought it (decision 37).
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from cdb.kit.errors import Refused
from cdb.performance.rows import Filled
from services.costs import UNIT

ZERO = Decimal(0)


@dataclass(slots=True)
class _Lot:
    """What is left of one purchase."""

    quantity: Decimal
    cost: Decimal
    bought_at: datetime

    def take(self, quantity: Decimal) -> Decimal:
        """Take *quantity* out; the cost of it, fee included. Of what is left the last part takes all."""
        cost = (self.cost * quantity / self.quantity).quantize(UNIT, ROUND_HALF_EVEN)
        self.quantity -= quantity
        self.cost -= cost
        return cost


@dataclass(frozen=True, slots=True)
class Disposal:
    """A sale: *cost* of the purchases that it sells, fees included, and when the first and the last of them were."""

    cost: Decimal
    result: Decimal
    bought_from: datetime
    bought_until: datetime


def disposals(fills: Iterable[Filled]) -> dict[str, Disposal]:
    """Every sale among *fills* by its fill_id. *fills* are all of the account, oldest first.

    Raises Refused if more was sold than bought.
    """
    lots: dict[str, deque[_Lot]] = {}
    found = {}
    for fill in fills:
        held = lots.setdefault(fill.symbol, deque())
        if fill.side == "BUY":
            held.append(_Lot(fill.quantity, fill.notional + fill.fee, fill.filled_at))
        else:
            found[fill.fill_id] = _sold(fill, held)
    return found


def _sold(fill: Filled, held: deque[_Lot]) -> Disposal:
    left, cost, bought = fill.quantity, ZERO, []
    while left:
        if not held:
            raise Refused(f"the ledger sells more {fill.symbol} than was bought: `cdb audit` shows where")
        part = min(left, held[0].quantity)
        cost += held[0].take(part)
        bought.append(held[0].bought_at)
        left -= part
        if not held[0].quantity:
            held.popleft()
    return Disposal(cost, fill.notional - fill.fee - cost, bought[0], bought[-1])
