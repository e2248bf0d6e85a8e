"""Book every fill again, in the order of their numbers, and compare with what was booked.

The arithmetic is written a second time on purpose: it shares nothing with the service whose books are audited.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from cdb.audit.findings import Report, Rule
from cdb.audit.rows import Fill, Position
from services.messages import MAX_QUANTITY, PositionKey, fill_id_of_order, position_id_of_order

UNIT: Final = Decimal("0.00000001")
ZERO: Final = Decimal(0)


@dataclass
class Held:
    """Quantity of one symbol that a strategy holds, and its cost with fees."""

    position_id: str = ""
    quantity: Decimal = ZERO
    cost: Decimal = ZERO


class Rebooking:
    """The account as the fills make it. It goes forward fill by fill and never back.

    *most_adjusted* gives the largest sum of test adjustments that cash may have had at a time. *before* is called with
    the number of each fill before it is booked.
    """

    def __init__(
        self,
        fills: Iterable[Fill],
        opening_cash: Decimal,
        report: Report,
        *,
        most_adjusted: Callable[[datetime], Decimal],
        before: Callable[[int, "Rebooking"], None],
    ) -> None:
        self.cash = opening_cash
        self._most_adjusted = most_adjusted
        self._before = before
        self.realised = ZERO
        self.held: dict[PositionKey, Held] = {}
        self._opened: dict[str, PositionKey] = {}
        self.last_seq = 0
        self._report = report
        self._fills: Iterator[Fill] = iter(fills)
        self._next = next(self._fills, None)

    def advance(self, until: int | None = None) -> list[str]:
        """Book the fills up to number *until*, by default all; returns the ids of their orders."""
        filled = []
        while self._next is not None and (until is None or self._next.fill_seq <= until):
            self._before(self._next.fill_seq, self)
            self._book(self._next)
            self.last_seq = self._next.fill_seq
            filled.append(self._next.order_id)
            self._next = next(self._fills, None)
        return filled

    def values(self, marks: Mapping[str, Decimal]) -> list[tuple[str, Decimal]]:
        """The symbol and the value of each position at *marks*; one without a mark counts at its cost."""
        return [
            (key.symbol, held.quantity * marks[key.symbol] if key.symbol in marks else held.cost)
            for key, held in self.held.items()
            if held.quantity
        ]

    def compare_positions(self, positions: Iterable[Position]) -> None:
        """Compare what is held with the ledger's *positions*."""
        stored = {PositionKey(position.symbol, position.strategy): position for position in positions}
        for key in sorted({*stored, *self.held}):
            check = self._report.ask(Rule.POSITIONS, f"position {key.symbol} of {key.strategy}")
            held, found = self.held.get(key), stored.get(key)
            if found is None:
                check.breach(expected=f"a row of {held}", found=None)
                continue
            check.agree("quantity", "cost", "position_id", expected=held or Held(found.position_id), found=found)

    def _book(self, fill: Fill) -> None:
        report, row = self._report, f"fill {fill.fill_id}"
        key = self._owner(fill)
        held = self.held.setdefault(key, Held())
        if not held.quantity:
            held.position_id = position_id_of_order(fill.order_id)
            self._opened[fill.position_id] = key
        derived = report.ask(Rule.DERIVED, row)
        derived.expect("fill_id", expected=fill_id_of_order(fill.order_id), found=fill.fill_id)
        derived.expect("position_id", expected=held.position_id, found=fill.position_id)
        notional = (fill.price * fill.quantity).quantize(UNIT, ROUND_HALF_EVEN)
        report.ask(Rule.NOTIONAL, row).expect("notional", expected=notional, found=fill.notional)
        if fill.side == "BUY":
            held.quantity += fill.quantity
            held.cost += notional + fill.fee
            self.cash -= notional + fill.fee
            self._check_purchase(fill, held)
        else:
            self._sell(fill, held, notional - fill.fee)

    def _owner(self, fill: Fill) -> PositionKey:
        """Whose position a fill changes: that of its position's opener, who must be its order's strategy."""
        row, opener = f"fill {fill.fill_id}", self._opened.get(fill.position_id)
        if fill.strategy is None:
            self._report.ask(Rule.ONE_FILL, row, count=0).breach(expected=f"order {fill.order_id}", found=None)
            return opener or PositionKey(fill.symbol, "")
        own = PositionKey(fill.symbol, fill.strategy)
        if opener is not None:
            self._report.ask(Rule.OWNER, row).expect("strategy", expected=opener.strategy, found=own.strategy)
        return opener or own

    def _check_purchase(self, fill: Fill, held: Held) -> None:
        row, left = f"fill {fill.fill_id}", self.cash + self._most_adjusted(fill.filled_at)
        overdrawn = self._report.ask(Rule.NEVER_OVERDRAWN, row)
        if not left >= ZERO:
            overdrawn.breach(expected="cash of 0 or more afterwards", found=left)
        sellable = self._report.ask(Rule.SELLABLE, row)
        if not held.quantity <= MAX_QUANTITY:
            sellable.breach(expected=f"at most {MAX_QUANTITY:f} of {fill.symbol}", found=held.quantity)

    def _sell(self, fill: Fill, held: Held, proceeds: Decimal) -> None:
        row = f"fill {fill.fill_id}"
        never_short = self._report.ask(Rule.NEVER_SHORT, row)
        if not fill.quantity <= held.quantity:
            never_short.breach(expected=f"at most {held.quantity} of {fill.symbol}", found=fill.quantity)
        left = max(ZERO, held.quantity - fill.quantity)
        # The last sale takes the rest of the cost, so that nothing is left behind by rounding.
        sold = (held.cost * fill.quantity / held.quantity).quantize(UNIT, ROUND_HALF_EVEN) if left else held.cost
        result = self._report.ask(Rule.REALISED, row)
        result.expect("realised_pnl", expected=proceeds - sold, found=fill.realised_pnl)
        held.quantity, held.cost = left, held.cost - sold
        if not left:
            self._opened.pop(fill.position_id, None)
        self.cash += proceeds
        self.realised += proceeds - sold
