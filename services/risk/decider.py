"""From signals to decisions: know the book, ask the rules, write signal, decision and order in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opentelemetry.trace import Span, SpanContext

from services.clock import NANOSECONDS
from services.messages import Order, Signal
from services.risk import report, trace
from services.risk.ledger_rows import Rows, add_decision
from services.risk.portfolio import Book, Portfolio
from services.risk.rules import Verdict, assess
from services.risk.state import RiskState
from services.runtime.handling import Received
from services.runtime.timeline import Timeline


@dataclass
class _Decided:
    signal: Signal
    verdict: Verdict
    row: Mapping[str, Any]
    span: Span


@dataclass
class _Session:
    """What one batch of decisions gathers before it is written."""

    timeline: Timeline
    portfolio: Portfolio
    decided: list[_Decided] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    orders: list[tuple[Order, SpanContext]] = field(default_factory=list)
    committed_at_ns: int = 0


class Decider:
    """Decides batches of signals. *ledger_delay_s* tells by how much an operator has the ledger's read slowed."""

    def __init__(self, state: RiskState, *, ledger_delay_s: Callable[[], float]) -> None:
        self._state = state
        self._ledger_delay_s = ledger_delay_s

    def decide(
        self, items: list[tuple[Received, Signal]], *, after: Callable[[Book], bool] | None = None
    ) -> Callable[[], None] | None:
        """Decide *items*, each exactly once however often it comes. The caller reports it by calling what it gets.

        *after* is given in lockstep: what must be done first; it says whether it changed the ledger. Then there may be
        None, too: not now, for orders are in flight. So chance does not say which effects are seen.
        """
        timeline = Timeline()
        delay_s = self._ledger_delay_s()
        known = None if delay_s else self._state.known()
        reading = known or self._state.read_for([signal.signal_id for _, signal in items], delay_s=delay_s)
        book, decided = reading.book, {*reading.decided}
        if not known:
            timeline.mark("read")
        if after is not None and book.in_flight:
            return None
        self._state.watch(book)
        if after is not None and after(book):
            return self.decide(items, after=after)
        for _, signal in items:  # before the orders of the last minute are counted: an earlier process had their prices
            self._state.clock.advance(signal.ts_event)
        session = _Session(timeline, self._state.portfolio(book))
        for item, signal in items:
            if signal.signal_id not in decided:
                decided.add(signal.signal_id)
                self._decide_one(signal, trace.start_decision(item, signal, timeline), session)
        if not self._write(session, made_from=book if known else None):
            self._state.forget()
            return self.decide(items, after=after)
        self._state.wrote(replace(reading, book=session.portfolio.as_book()))
        return lambda: self._report(session)

    def _decide_one(self, signal: Signal, span: Span, session: _Session) -> None:
        now_ns = self._state.clock.now_ns()
        portfolio, limits = session.portfolio, self._state.limits
        verdict = assess(signal, portfolio, limits, now_ns=now_ns, clock=session.timeline.now)
        order = add_decision(session.rows, signal, verdict, portfolio, limits, now_ns=now_ns)
        session.decided.append(_Decided(signal, verdict, session.rows.decisions[-1], span))
        if order is not None:
            session.orders.append((order, span.get_span_context()))

    def _write(self, session: _Session, *, made_from: Book | None) -> bool:
        """Write what was decided; False, and nothing is written, if the ledger is not the book it was *made_from*."""
        session.timeline.mark("writing")
        if session.decided:
            if not self._state.store.write_decisions(session.rows, made_from=made_from):
                return False
            session.committed_at_ns = self._state.clock.now_ns()
            for order, cause in session.orders:
                self._state.placed(order, cause)
        session.timeline.mark("committed")
        return True

    def _report(self, session: _Session) -> None:
        """Watch and record what the ledger now has."""
        self._state.watch(session.portfolio.as_book())
        took_s = session.timeline.seconds("committed")
        batch = len(session.decided)
        for item in session.decided:
            since_trade_s = (session.committed_at_ns - item.signal.ts_event) / NANOSECONDS
            report.decision(item.signal, item.verdict, item.span, took_s, since_trade_s=since_trade_s)
            trace.end_decision(item.span, item.signal, item.verdict, item.row, session.timeline, batch=batch)
