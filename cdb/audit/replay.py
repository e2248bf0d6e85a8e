"""Book every fill anew, in the order of their numbers, and compare with what was booked.

The arithmetic is written a second time on purpose: it shares nothing with the service whose books are audited.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from cdb.audit.findings import Report, Rule
from cdb.audit.rows import Fill, Position
from services.messages import fill_id_of_order, position_id_of_order

UNIT: Final = Decimal("0.00000001")
ZERO: Final = Decimal(0)


@dataclass
class Held:
    """What is held of one symbol and what it has cost, fees included."""

    position_id: str = ""
    quantity: Decimal = ZERO
    cost: Decimal = ZERO


class Replay:
    """The account as the fills make it. It is brought forward fill by fill and never goes back."""

    def __init__(self, fills: Iterable[Fill], opening_cash: Decimal, report: Report) -> None:
        self.cash = opening_cash
        self.realised = ZERO
        self.held: dict[str, Held] = {}
        self.last_seq = 0
        self._report = report
        self._fills: Iterator[Fill] = iter(fills)
        self._next = next(self._fills, None)

    def advance(self, until: int | None = None) -> list[str]:
        """Book the fills up to number *until*, all without one; return the ids of their orders."""
        filled = []
        while self._next is not None and (until is None or self._next.fill_seq <= until):
            self._book(self._next)
            self.last_seq = self._next.fill_seq
            filled.append(self._next.order_id)
            self._next = next(self._fills, None)
        return filled

    def compare_positions(self, positions: Iterable[Position]) -> None:
        """Compare what is held with the ledger's *positions*."""
        stored = {position.symbol: position for position in positions}
        for symbol in sorted({*stored, *self.held}):
            self._report.checked(Rule.POSITIONS)
            row, held, found = f"position {symbol}", self.held.get(symbol), stored.get(symbol)
            if found is None:
                self._report.breach(Rule.POSITIONS, row, expected=f"a row of {held}", found=None)
                continue
            held = held or Held(found.position_id)
            for what in ("quantity", "cost", "position_id"):
                self._report.expect(Rule.POSITIONS, row, what, expected=getattr(held, what), found=getattr(found, what))

    def _book(self, fill: Fill) -> None:
        report, row = self._report, f"fill {fill.fill_id}"
        held = self.held.setdefault(fill.symbol, Held())
        if not fill.has_order:
            report.breach(Rule.ONE_FILL, row, expected=f"order {fill.order_id}", found=None)
        if not held.quantity:
            held.position_id = position_id_of_order(fill.order_id)
        report.checked(Rule.DERIVED)
        report.expect(Rule.DERIVED, row, "fill_id", expected=fill_id_of_order(fill.order_id), found=fill.fill_id)
        report.expect(Rule.DERIVED, row, "position_id", expected=held.position_id, found=fill.position_id)
        report.checked(Rule.NOTIONAL)
        notional = (fill.price * fill.quantity).quantize(UNIT, ROUND_HALF_EVEN)
        report.expect(Rule.NOTIONAL, row, "notional", expected=notional, found=fill.notional)
        if fill.side == "BUY":
            held.quantity += fill.quantity
            held.cost += notional + fill.fee
            self.cash -= notional + fill.fee
        else:
            self._sell(fill, held, notional - fill.fee)

    def _sell(self, fill: Fill, held: Held, proceeds: Decimal) -> None:
        report, row = self._report, f"fill {fill.fill_id}"
        report.checked(Rule.NEVER_SHORT)
        if not fill.quantity <= held.quantity:
            report.breach(
                Rule.NEVER_SHORT, row, expected=f"at most {held.quantity} of {fill.symbol}", found=fill.quantity
            )
        left = max(ZERO, held.quantity - fill.quantity)
        # The last sale takes the rest of the cost, so that nothing is left behind by rounding.
        sold = (held.cost * fill.quantity / held.quantity).quantize(UNIT, ROUND_HALF_EVEN) if left else held.cost
        report.checked(Rule.REALISED)
        report.expect(Rule.REALISED, row, "realised_pnl", expected=proceeds - sold, found=fill.realised_pnl)
        held.quantity, held.cost = left, held.cost - sold
        self.cash += proceeds
        self.realised += proceeds - sold
