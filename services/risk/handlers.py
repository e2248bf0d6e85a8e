"""What cdb_risk does with each message: check fills, apply prices, decide signals."""

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from time import perf_counter_ns
from typing import Any, Final

from services.bus.entries import Outgoing, stream_position
from services.bus.port import Bus
from services.bus.trades import finished_trades
from services.messages import BadMessage, Fill, MarketData, Order, Signal, decode, encode
from services.risk import report
from services.risk.acting import Answer, Asked, Operator
from services.risk.decider import Decider
from services.risk.equity_history import EquityHistory
from services.risk.guard import Guard
from services.risk.resender import Resender
from services.risk.state import RiskState
from services.risk.store import PlacedOrder
from services.runtime.handling import Batch, Outcome, Received
from services.runtime.timeline import Timeline, seconds_since
from services.topology import FILLS, MARKET_DATA, ORDERS, RISK, SIGNALS

REBUILD_FROM: Final = 5_000
"""Trades of hundreds ago hardly count in how a price moves, and a restart should be short."""
SHOW_EVERY_S: Final = 0.25
"""How often gauges follow the prices; they are collected far less often."""


class RiskHandler:
    """Puts the parts of risk in the right order.

    The prices that signals were made from, the signals, and then what they need not wait for: fills and newer prices.
    In lockstep fills go first, for what a tape leads to must not depend on what happened to be read together.
    """

    streams: Sequence[str] = RISK.reads

    def __init__(
        self,
        state: RiskState,
        decider: Decider,
        *,
        symbols: frozenset[str],
        lockstep: bool = False,
        note_held: Callable[[Collection[str]], None] = lambda _symbols: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lockstep = lockstep
        self._note_held = note_held
        self._untraded: frozenset[str] = frozenset()
        self._state = state
        self._decider = decider
        self._guard = Guard(state)
        self._operator = Operator(state)
        self._history = EquityHistory(state.store)
        self._resender = Resender(monotonic)
        self._symbols = symbols
        self._applied = (0, 0)
        self._next_show = 0.0

    def rebuild(self, bus: Bus) -> None:
        """Know prices and how they have moved as before a restart: the ledger has them up to a second ago only."""
        self._state.restore()
        for trade in finished_trades(bus, self._state.clock, most=REBUILD_FROM):
            self._state.clock.advance(trade.ts_event)
            self._state.marks.take_up(trade)
        self._state.reload()

    def handle(self, batch: Batch) -> Outcome:
        """Bring about what *batch* asks for; a repetition finds everything in the ledger and adds nothing."""
        outcome = Outcome()
        by_stream: dict[str, list[tuple[Received, Any]]] = {stream: [] for stream in self.streams}
        for item in batch.received:
            by_stream[item.entry.stream].append((item, item.message))
        self._state.restore()
        decided, outcome.afterwards = self._decider.begin(lockstep=self._lockstep)
        self._guard.do_what_is_due()
        fills, trades, signals = (by_stream[stream] for stream in (FILLS, MARKET_DATA, SIGNALS))
        signals = [(item, signal) for item, signal in signals if signal.signal_id not in decided]
        if self._lockstep:
            self._note_fills(fills, outcome)
            self._take_in_turn(trades, signals, outcome, caught_up=batch.caught_up)
            outcome.deferred[:0] = self._decider.finish()
        else:
            needed = _needed(trades, signals)
            self._apply_prices(trades[:needed], outcome)
            self._decide(signals, outcome, caught_up=batch.caught_up)
            self._note_fills(fills, outcome)
            self._apply_prices(trades[needed:], outcome)
        outcome.outgoing += self._outgoing()
        if time.monotonic() >= self._next_show:
            outcome.afterwards.append(self._show)
        return outcome

    def housekeep(self) -> list[Outgoing]:
        """Look at the ledger anew, turn the day, keep the prices, send again what has not become final."""
        self._state.restore()
        self._guard.do_what_is_due()
        self._guard.turn_time()
        self._guard.check(self._state.reload())
        self._tell_held()
        self._save_marks()
        self._show()
        if self._history.follow():
            report.history(self._history.curve)
        outgoing = self._outgoing()
        again = self._resender.due(self._readable(self._state.store.placed_orders())) if self._state.book else []
        for order in again:
            report.order_sent_again(order)
        return [*outgoing, *(Outgoing(ORDERS, order, self._resender.cause(order.order_id)) for order in again)]

    def act(self, asked: Asked) -> tuple[Answer, list[Outgoing]]:
        """Do what an operator asks; the orders that are to be sent. Raises Refused, ServerAway."""
        self._state.restore()
        self._guard.do_what_is_due()
        self._guard.turn_time()
        answer = self._operator.act(asked)
        return answer, self._outgoing()

    def close(self) -> None:
        """Keep the newest prices for the next process."""
        self._show()
        self._save_marks()

    def _show(self) -> None:
        self._next_show = time.monotonic() + SHOW_EVERY_S
        if self._state.book is not None:
            report.portfolio(self._state.portfolio(self._state.book))

    def _note_fills(self, fills: list[tuple[Received, Fill]], outcome: Outcome) -> None:
        """Check each fill against the ledger, which had it first; a fill from elsewhere is put aside."""
        if fills:
            timeline = Timeline()
            reading = self._state.read(fill.order_id for _, fill in fills)
            for item, fill in fills:
                reason, detail = contradiction(fill, reading.orders.get(fill.order_id))
                if reason:
                    outcome.put_aside(item.entry, reason, detail)
            self._guard.check(reading.book)
            report.fills_noted(len(fills), timeline)

    def _take_in_turn(
        self,
        trades: list[tuple[Received, MarketData]],
        signals: list[tuple[Received, Signal]],
        outcome: Outcome,
        *,
        caught_up: bool,
    ) -> None:
        """Take each price with the signals that it led to; what comes after an order waits until that is filled."""
        waiting = deque(signals)
        self._decide_ready(waiting, outcome)
        for place, (item, trade) in enumerate(trades):
            if self._state.has_outgoing:
                outcome.deferred += [later for later, _ in trades[place:]]
                break
            self._apply_price(item, trade, outcome)
            if waiting:
                self._decide_ready(waiting, outcome)
        if self._state.has_outgoing:
            outcome.deferred += [item for item, _ in waiting]
        else:
            self._decide([*waiting], outcome, caught_up=caught_up)

    def _decide_ready(self, waiting: deque[tuple[Received, Signal]], outcome: Outcome) -> None:
        """Decide those at the head of *waiting* whose price has been applied, unless an order is on its way."""
        ready = []
        while waiting and not self._state.has_outgoing and self._is_applied(waiting[0][1]):
            ready.append(waiting.popleft())
        if ready:
            self._decide(ready, outcome, caught_up=False)

    def _is_applied(self, signal: Signal) -> bool:
        return stream_position(signal.stream_id) <= self._applied

    def _apply_prices(self, trades: list[tuple[Received, MarketData]], outcome: Outcome) -> None:
        for item, trade in trades:
            self._apply_price(item, trade, outcome)

    def _apply_price(self, item: Received, trade: MarketData, outcome: Outcome) -> None:
        if self._is_unknown(item, trade.symbol, outcome) or outcome.leaves_out_early(item, self._state.clock):
            return
        began = perf_counter_ns()
        self._guard.apply(trade)
        self._applied = max(self._applied, stream_position(item.entry.id))
        report.price_applied(seconds_since(began))

    def _decide(self, signals: list[tuple[Received, Signal]], outcome: Outcome, *, caught_up: bool) -> None:
        """Decide signals whose price has been applied; the others wait for it."""
        ready: list[tuple[Received, Signal]] = []
        for item, signal in signals:
            if not self._is_unknown(item, signal.symbol, outcome, traded=signal.side == "BUY"):
                if caught_up or self._is_applied(signal):
                    ready.append((item, signal))
                else:
                    outcome.deferred.append(item)
        if ready:
            self._guard.turn_time()
            after = self._guard.check if self._lockstep else None
            outcome.afterwards.append(self._decider.decide(ready, after=after))

    def _outgoing(self) -> list[Outgoing]:
        outgoing = self._state.take_outbox()
        for order, cause in outgoing:
            self._resender.sent(order.order_id, cause)
        return [Outgoing(ORDERS, order, cause) for order, cause in outgoing]

    def _readable(self, placed: list[Order]) -> list[Order]:
        """Those of *placed* that a venue can read; the others would be sent for ever and are withdrawn."""
        found = []
        for order in placed:
            try:
                decode(ORDERS, encode(order))
            except BadMessage as problem:
                self._state.store.withdraw(order, problem, now_ns=self._state.clock.now_ns())
                report.order_withdrawn(order, problem)
            else:
                found.append(order)
        if len(found) < len(placed):
            self._state.reload()  # what a withdrawn order was to sell can be sold by another
        return found

    def _tell_held(self) -> None:
        """Note what is held, so that its prices go on though it may no longer be traded."""
        held = frozenset(self._state.book.symbols()) if self._state.book else frozenset()
        self._note_held(held)
        if added := held - self._symbols - self._untraded:
            report.held_untraded(added, self._state.is_held_price_stale)
        self._untraded |= held - self._symbols

    def _save_marks(self) -> None:
        unsaved = dict(self._state.marks.unsaved)
        self._state.store.save_marks(unsaved)
        self._state.marks.saved(unsaved)

    def _is_unknown(self, item: Received, symbol: str, outcome: Outcome, *, traded: bool = False) -> bool:
        """Put *item* aside if its symbol is not traded; one that has a price was, so unless it must be, it will do."""
        if symbol in self._symbols or (not traded and symbol in self._state.marks.newest):
            return False
        outcome.put_aside_unknown(item.entry, symbol, self._symbols)
        return True


def _needed(trades: list[tuple[Received, MarketData]], signals: list[tuple[Received, Signal]]) -> int:
    """How many of *trades* the *signals* wait for: all up to the newest one that a signal was made from."""
    newest = max((stream_position(signal.stream_id) for _, signal in signals), default=None)
    if newest is None:
        return 0
    places = range(len(trades), 0, -1)
    return next((place for place in places if stream_position(trades[place - 1][0].entry.id) <= newest), 0)


def contradiction(fill: Fill, order: PlacedOrder | None) -> tuple[str, str]:
    """Why the ledger's *order* cannot have led to *fill*: a short word and a sentence, both empty if it can."""
    if order is None:
        return "unknown_order", f"the ledger has no order {fill.order_id!r:.120}"
    if (fill.symbol, fill.side) != (order.symbol, order.side):
        return "contradiction", f"{fill.side} {fill.symbol} for an order of {order.side} {order.symbol}"
    if fill.quantity > order.quantity:
        return "contradiction", f"quantity {fill.quantity} of an order of {order.quantity}"
    return "", ""
