"""The book that a decision saw, recomputed from the ledger alone, at the marks that the decision recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cdb.audit.rebooking import ZERO, Rebooking
from cdb.audit.rows import Decision, SignalOrder


@dataclass(frozen=True)
class Valued:
    """What a decision should have found, in the quote asset; orders in flight count as exposure."""

    equity: Decimal
    exposure: Decimal
    committed: Decimal


class Book:
    """Positions from the fills a decision had seen, and the buy orders that were decided before it and not filled.

    Several decisions may share one read of the ledger: the order of each is in flight for those after it. Only signals
    lead to buy orders, so the decisions in the order of their numbers say which orders were in flight.
    """

    def __init__(self, rebooking: Rebooking) -> None:
        self._rebooking = rebooking
        self._in_flight: dict[str, SignalOrder] = {}

    def advance(self, fills_seen: int) -> None:
        """Book the fills up to number *fills_seen*."""
        for order_id in self._rebooking.advance(fills_seen):
            self._in_flight.pop(order_id, None)

    def place(self, order: SignalOrder) -> None:
        """Count *order* as in flight from now on, unless its fill has been booked already."""
        if order.side == "BUY" and (order.first_fill is None or order.first_fill > self._rebooking.last_seq):
            self._in_flight[order.order_id] = order

    def value(self, symbol: str, decision: Decision, marks: Mapping[str, Decimal], *, cash: Decimal) -> Valued:
        """Value the book as *decision* on *symbol* had to; a position without a mark counts at its cost."""
        values = self._rebooking.values(marks)
        buying = [order for order in self._in_flight.values() if _was_open(order, decision.decided_at)]
        notionals = [(order.symbol, _notional(order, marks)) for order in buying]
        held_value = sum((value for _, value in values), ZERO)
        return Valued(
            equity=cash + held_value,
            exposure=held_value + sum((notional for _, notional in notionals), ZERO),
            committed=sum((value for name, value in [*values, *notionals] if name == symbol), ZERO),
        )


def _was_open(order: SignalOrder, when: datetime) -> bool:
    """Tell whether an order was still open; a purchase is refused if cash has become too little for it."""
    return order.state != "refused" or order.finished_at is None or order.finished_at > when


def _notional(order: SignalOrder, marks: Mapping[str, Decimal]) -> Decimal:
    """Value an order at the worse of its own price and the mark."""
    return order.quantity * max(order.reference_price, marks.get(order.symbol, ZERO))
