"""From signals to decisions: know the book, ask the rules, write signal, decision and order in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from opentelemetry.trace import Span, SpanContext

from services.clock import NANOSECONDS
from services.errors import ServerAway
from services.messages import Order, Signal
from services.risk import report, trace
from services.risk.ledger_rows import Rows, add_decision
from services.risk.portfolio import Book, Portfolio
from services.risk.rules import Verdict, assess
from services.risk.state import RiskState
from services.risk.store import Reading
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
    """What one batch of signals leads to. *made_from* is the book if it was not read for them: it may be an old one."""

    items: list[tuple[Received, Signal]]
    timeline: Timeline
    reading: Reading
    portfolio: Portfolio
    made_from: Book | None
    decided: list[_Decided] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    orders: list[tuple[Order, SpanContext]] = field(default_factory=list)
    committed_at_ns: int = 0
    is_written: bool = False

    @property
    def can_wait(self) -> bool:
        """Whether nothing depends on its being written."""
        return self.made_from is not None and not self.rows.orders and not self.rows.breaker


class Decider:
    """Decides batches of signals. *ledger_delay_s* tells by how much an operator has the ledger's read slowed.

    In lockstep, where a batch is that of one price, rejections wait to be written with what comes next: `finish` writes
    what is left.
    """

    def __init__(self, state: RiskState, *, ledger_delay_s: Callable[[], float]) -> None:
        self._state = state
        self._ledger_delay_s = ledger_delay_s
        self._unwritten: list[_Session] = []
        self._undecided: list[Received] = []
        state.before_change = self._write_or_undo

    def begin(self, *, lockstep: bool) -> tuple[frozenset[str], list[Callable[[], None]]]:
        """Begin with messages that may have been begun with before: the signals decided then, and what reports them.

        In lockstep those are written as they were decided, at the prices of then; else all are decided anew.
        """
        left, self._unwritten = self._unwritten if lockstep else [], []
        if left:
            self._unwritten = left
            self._write_or_undo()
        self._undecided = []
        written = [session for session in left if session.is_written]
        decided = frozenset(signal.signal_id for session in written for _, signal in session.items)
        return decided, [partial(self._report, session) for session in written]

    def decide(
        self, items: list[tuple[Received, Signal]], *, after: Callable[[Book], bool] | None = None
    ) -> Callable[[], None]:
        """Decide *items*, each exactly once however often it comes. The caller reports it by calling what it gets.

        *after* is given in lockstep: what must be done first; it says whether it changed the ledger. Then they may be
        left undecided, too, because orders are in flight. So chance does not say which effects are seen.
        """
        timeline = Timeline()
        reading, is_known = self._read(items, timeline)
        book = reading.book
        if after is not None and (book.in_flight or self._undecided):
            self._undecided += [item for item, _ in items]
            return _nothing
        self._state.watch(book)
        if after is not None and after(book):
            return self.decide(items, after=after)
        for _, signal in items:  # before the orders of the last minute are counted: an earlier process had their prices
            self._state.clock.advance(signal.ts_event)
        session = _Session(items, timeline, reading, self._state.portfolio(book), book if is_known else None)
        self._decide_all(session)
        self._unwritten.append(session)
        if after is None:
            if not self._write():
                return self.decide(items)
        elif not session.can_wait:
            self._write_or_undo()
        return partial(self._report, session)

    def finish(self) -> list[Received]:
        """Write what is decided; the signals that are not, in their order."""
        self._write_or_undo()
        return self._undecided

    def _read(self, items: list[tuple[Received, Signal]], timeline: Timeline) -> tuple[Reading, bool]:
        """The ledger, and whether it was known; if it must be read, what was made from what was known is undecided."""
        delay_s = self._ledger_delay_s()
        known = None if delay_s else self._state.known()
        if known:
            return known, True
        self._undo(self._unwritten)
        reading = self._state.read_for([signal.signal_id for _, signal in items], delay_s=delay_s)
        timeline.mark("read")
        return reading, False

    def _decide_all(self, session: _Session) -> None:
        unwritten = (one.signal.signal_id for earlier in self._unwritten for one in earlier.decided)
        decided = {*session.reading.decided, *unwritten}
        for item, signal in session.items:
            if signal.signal_id not in decided:
                decided.add(signal.signal_id)
                self._decide_one(signal, trace.start_decision(item, signal, session.timeline), session)

    def _decide_one(self, signal: Signal, span: Span, session: _Session) -> None:
        now_ns = self._state.clock.now_ns()
        portfolio, limits = session.portfolio, self._state.limits
        verdict = assess(signal, portfolio, limits, now_ns=now_ns, clock=session.timeline.now)
        order = add_decision(session.rows, signal, verdict, portfolio, limits, now_ns=now_ns)
        session.decided.append(_Decided(signal, verdict, session.rows.decisions[-1], span))
        if order is not None:
            session.orders.append((order, span.get_span_context()))

    def _write_or_undo(self) -> None:
        """Write what is decided; it is undecided again if the ledger is not what it was made from."""
        sessions = self._unwritten
        if sessions and not self._write():
            self._undo(sessions)

    def _undo(self, sessions: list[_Session]) -> None:
        self._undecided += [item for session in sessions for item, _ in session.items]
        self._unwritten = []

    def _write(self) -> bool:
        """Write what is decided; False, and nothing is written, if the ledger is not the book that it was made from."""
        sessions, self._unwritten = self._unwritten, []
        rows, newest = Rows(), sessions[-1]
        for session in sessions:
            session.timeline.mark("writing")
            rows.add(session.rows)
        try:
            holds = not rows.decisions or self._state.store.write_decisions(rows, made_from=newest.made_from)
        except ServerAway:
            if newest.made_from is not None:  # or the ledger would not tell whether it has it already
                self._unwritten = sessions
            raise
        if not holds:
            self._state.forget()
            return False
        for session in sessions:
            session.is_written = True
            session.committed_at_ns = self._state.clock.now_ns()
            session.timeline.mark("committed")
            for order, cause in session.orders:
                self._state.placed(order, cause)
        self._state.wrote(replace(newest.reading, book=newest.portfolio.as_book()))
        return True

    def _report(self, session: _Session) -> None:
        """Watch and record what the ledger now has."""
        if not session.is_written:
            return
        if self._state.book is session.reading.book:  # else the ledger was read since
            self._state.watch(session.portfolio.as_book())
        took_s = session.timeline.seconds("committed")
        batch = len(session.decided)
        for item in session.decided:
            since_trade_s = (session.committed_at_ns - item.signal.ts_event) / NANOSECONDS
            report.decision(item.signal, item.verdict, item.span, took_s, since_trade_s=since_trade_s)
            trace.end_decision(item.span, item.signal, item.verdict, item.row, session.timeline, batch=batch)


def _nothing() -> None:
    pass
