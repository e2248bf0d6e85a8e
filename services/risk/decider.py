"""From signals to decisions: read the book, ask the rules, write signal, decision and order in one transaction."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from opentelemetry.trace import Span, SpanContext, use_span

from services.bus import messaging_spans
from services.clock import NANOSECONDS
from services.messages import Order, Signal
from services.risk import records, report, trace
from services.risk.desk import Desk
from services.risk.portfolio import Portfolio
from services.risk.rules import Approved, Reason, Rejected, Verdict, assess
from services.risk.store import Rows
from services.risk.trace import Times
from services.runtime.consumer import Received
from telemetry import tracing

log = structlog.get_logger()


@dataclass
class _Decided:
    signal: Signal
    verdict: Verdict
    row: dict[str, Any]
    span: Span
    answers: list[int]


@dataclass
class _Session:
    """What one batch of decisions gathers before it is written."""

    portfolio: Portfolio
    decided: list[_Decided] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    orders: list[tuple[Order, SpanContext]] = field(default_factory=list)


class Decider:
    """Decides batches of signals. *ledger_delay_s* tells by how much an operator has the ledger's read slowed."""

    def __init__(self, desk: Desk, *, wait_for_flight: bool, ledger_delay_s: Callable[[], float]) -> None:
        self._desk = desk
        self._wait_for_flight = wait_for_flight
        self._ledger_delay_s = ledger_delay_s

    def decide(self, items: list[tuple[Received, Signal]]) -> Callable[[], None] | None:
        """Decide *items*, each exactly once however often it comes; return how to report that when there is time.

        None: not now, orders are still in flight.
        """
        began_ns = time.time_ns()
        ids = [signal.signal_id for _, signal in items]
        book, known = self._desk.store.load(ids, delay_s=self._ledger_delay_s())
        read_ns = time.time_ns()
        if self._wait_for_flight and book.in_flight:
            return None
        self._desk.watch(book)
        session = _Session(self._desk.portfolio(book))
        for item, signal in items:
            if signal.signal_id not in known:
                known |= {signal.signal_id}
                self._decide_one(signal, _span(item, signal, began_ns), session)
        writing_ns = time.time_ns()
        self._write(session)
        times = Times(began_ns, read_ns, writing_ns, time.time_ns())
        return lambda: self._report(session, times)

    def _decide_one(self, signal: Signal, span: Span, session: _Session) -> None:
        self._desk.clock.advance(signal.ts_event)
        now_ns = self._desk.clock.now_ns()
        portfolio = session.portfolio
        answers = [time.time_ns()]
        verdict = assess(
            signal, portfolio, self._desk.limits, now_ns=now_ns, answered=lambda: answers.append(time.time_ns())
        )
        row = records.decision_row(signal, verdict, portfolio, self._desk.limits, now_ns=now_ns)
        session.rows.signals.append(records.signal_row(signal))
        session.rows.decisions.append(row)
        session.decided.append(_Decided(signal, verdict, row, span, answers))
        if isinstance(verdict, Approved):
            order = records.order_of_signal(signal, verdict, now_ns=now_ns)
            session.rows.orders.append(
                records.order_row(order, trade_id=signal.trade_id, signal_id=signal.signal_id, position_id=None)
            )
            session.orders.append((order, span.get_span_context()))
            portfolio.place(records.in_flight(order))
        elif verdict.reason is Reason.DRAWDOWN_LIMIT:
            session.rows.breaker.append(records.breaker_row(portfolio, now_ns=now_ns))
            portfolio.breaker_active = True

    def _write(self, session: _Session) -> None:
        if not session.decided:
            return
        self._desk.store.write_decisions(session.rows)
        for order, cause in session.orders:
            self._desk.placed(order, cause)

    def _report(self, session: _Session, times: Times) -> None:
        """Watch and record what the ledger now has; a span must not have ended while a value is recorded in it."""
        self._desk.watch(session.portfolio.as_book())
        took_s = (times.committed - times.began) / NANOSECONDS
        for item in session.decided:
            with use_span(item.span, end_on_exit=False):
                report.decision(item.signal, item.verdict, took_s)
                log.info("decided", **_line(item.signal, item.verdict))
            trace.describe(item.span, item.signal, item.verdict, item.row)
            item.span.end(times.committed)
            trace.record_steps(
                item.span.get_span_context(), item.verdict, item.answers, times, batch=len(session.decided)
            )


def _span(item: Received, signal: Signal, began_ns: int) -> Span:
    return tracing.tracer().start_span(
        "risk.decide",
        context=messaging_spans.below(item.span),
        start_time=began_ns,
        attributes={"cdb.symbol": signal.symbol, "cdb.side": signal.side, "cdb.signal_id": signal.signal_id},
    )


def _line(signal: Signal, verdict: Verdict) -> dict[str, Any]:
    line: dict[str, Any] = {"signal": signal.signal_id, "side": signal.side}
    if isinstance(verdict, Rejected):
        return {**line, "verdict": "rejected", "layer": verdict.layer, "reason": verdict.reason.value}
    return {**line, "verdict": "approved", "quantity": str(verdict.quantity), "price": str(verdict.price)}
