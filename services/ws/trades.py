"""Trades as a source gives them, and the rules by which one is refused."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import msgspec

from services.clock import NANOSECONDS, Clock
from services.messages import MAX_TIME_NS, Side, trade_problem

MOST_BEHIND_NS = 3 * NANOSECONDS
RefusalReason = Literal["malformed", "not_a_number", "not_positive", "out_of_order", "unknown_symbol"]


class RawTrade(msgspec.Struct, frozen=True, gc=False):
    """One trade of the market; ts_event in nanoseconds. *origin* says where it was read, such as "line 7".

    *late* is one that nobody may act on: the source has it only now, perhaps after later ones. *history* is one that
    the source looked up or told out of order, so that its age says nothing of how fast the market's trades arrive.
    """

    symbol: str
    trade_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    ts_event: int
    origin: str = ""
    late: bool = False
    history: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that is no acceptable trade: why, where, and what is allowed."""

    reason: RefusalReason
    origin: str
    detail: str


class TradeCheck:
    """Accepts trades of known symbols in their order; remembers the last accepted one of each symbol.

    A trade may not be from the future, nor further behind the newest of all symbols than MOST_BEHIND_NS: nobody would
    act on it any more. One that its source calls late may be, and may come after later ones. One that is ahead of the
    clock counts as being now, so that it makes no other one late.
    If the clock is set back, the order begins anew.
    """

    def __init__(self, symbols: Collection[str], clock: Clock) -> None:
        self._symbols = frozenset(symbols)
        self._clock = clock
        self._newest_ns = 0
        self._last: dict[str, tuple[int, int]] = {}

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols whose trades are accepted."""
        return self._symbols

    def admit(self, symbols: Collection[str]) -> frozenset[str]:
        """Accept trades of *symbols*, too; returns those that are new."""
        added = frozenset(symbols) - self._symbols
        self._symbols |= added
        return added

    def objection(self, trade: RawTrade) -> Refusal | None:
        """Why *trade* is refused, or None; then it is the last accepted one."""
        if trade.symbol not in self._symbols:
            return Refusal("unknown_symbol", trade.origin, f"{trade.symbol!r:.40} is not traded here")
        if refusal := _value_refusal(trade):
            return refusal
        if self._clock.is_ahead(trade.ts_event):
            return Refusal("malformed", trade.origin, f"trade {trade.trade_id} of {trade.symbol} is from the future")
        if trade.late:
            self._clock.advance(trade.ts_event)
            return None
        return self._order_refusal(trade)

    def _order_refusal(self, trade: RawTrade) -> Refusal | None:
        if self._clock.is_ahead(self._newest_ns):
            self._newest_ns = 0
            self._last.clear()
        if trade.ts_event < self._newest_ns - MOST_BEHIND_NS:
            behind_s = (self._newest_ns - trade.ts_event) / NANOSECONDS
            return Refusal(
                "out_of_order", trade.origin, f"{behind_s:.1f} s behind the newest trade, at most 3 s are taken"
            )
        position = (trade.ts_event, trade.trade_id)
        if position <= self._last.get(trade.symbol, (0, -1)):
            where = f"trade {trade.trade_id} of {trade.symbol} is not after the last"
            return Refusal("out_of_order", trade.origin, f"{where}; times must rise, and ids within an instant")
        self._last[trade.symbol] = position
        self._clock.advance(trade.ts_event)
        if trade.ts_event > self._newest_ns:
            self._newest_ns = max(self._newest_ns, min(trade.ts_event, self._clock.now_ns()))
        return None


def _value_refusal(trade: RawTrade) -> Refusal | None:
    problem = trade_problem(trade.price, trade.quantity)
    if problem is None and 0 < trade.ts_event < MAX_TIME_NS and 0 <= trade.trade_id < 2**63:
        return None
    values = (trade.price, trade.quantity)
    if not all(value.is_finite() for value in values):
        return Refusal("not_a_number", trade.origin, f"price {trade.price}, quantity {trade.quantity}")
    if not all(value > 0 for value in values):
        return Refusal("not_positive", trade.origin, f"price {trade.price}, quantity {trade.quantity}")
    if problem is None and 0 < trade.ts_event < MAX_TIME_NS:
        problem = f"trade id {trade.trade_id} is out of range"
    time_problem = f"its time, {trade.ts_event} ns since 1970, is out of range: years up to 2116 are allowed"
    return Refusal("malformed", trade.origin, problem or time_problem)
