"""Ask of every signal: has it one decision and its order, and did the ledger of then allow what was approved."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from cdb.audit.book import Book, Valued
from cdb.audit.findings import TOLERANCE, Check, Report, Rule
from cdb.audit.history import History
from cdb.audit.numbers import numbers
from cdb.audit.rebooking import ZERO, Rebooking
from cdb.audit.rows import Decided, Decision, Signal, SignalOrder
from services.messages import order_id_of_signal, signal_id


class DecisionCheck:
    """Checks signals, decisions and their orders in the order of the decisions' numbers."""

    def __init__(self, rebooking: Rebooking, history: History, report: Report) -> None:
        self._book = Book(rebooking)
        self._rebooking = rebooking
        self._history = history
        self._report = report
        self._fills_seen = 0
        self._when = datetime.min.replace(tzinfo=UTC)

    def check(self, row: Decided) -> None:
        """Check one signal with its decision and its order."""
        signal, decision, order = row
        known = signal or decision or order
        assert known is not None  # noqa: S101  a row of an outer join has at least one side
        name = f"signal {known.signal_id}"
        one_decision = self._report.ask(Rule.ONE_DECISION, name)
        if signal is None:
            one_decision.breach(expected="a signal", found=None)
        elif decision is None:
            one_decision.breach(expected="one decision", found=None)
        self._check_ids(signal, order)
        self._check_order(name, signal, decision, order)
        if signal is not None and decision is not None:
            self._when = max(self._when, decision.decided_at)  # numbers rise, times do not if a clock was set back
            self._check_book(f"decision {decision.decision_seq} on {signal.signal_id}", signal, decision, order)
        if order is not None:
            self._book.place(order)

    def _check_ids(self, signal: Signal | None, order: SignalOrder | None) -> None:
        if signal is not None:
            derived = signal_id(signal.symbol, signal.strategy, signal.trade_id)
            row = self._report.ask(Rule.DERIVED, f"signal {signal.signal_id}")
            row.expect("signal_id", expected=derived, found=signal.signal_id)
        if order is not None:
            row = self._report.ask(Rule.DERIVED, f"order {order.order_id}")
            row.expect("order_id", expected=order_id_of_signal(order.signal_id), found=order.order_id)

    def _check_order(
        self, name: str, signal: Signal | None, decision: Decision | None, order: SignalOrder | None
    ) -> None:
        one_order = self._report.ask(Rule.ONE_ORDER, name)
        if decision is None or decision.verdict != "approved":
            if order is not None:
                verdict = "rejected" if decision else "not decided"
                one_order.breach(expected=f"no order, for it was {verdict}", found=order.order_id)
            return
        if order is None:
            one_order.breach(expected="one order", found=None)
            return
        row = self._report.ask(Rule.ONE_ORDER, f"order {order.order_id}", count=0)
        row.agree("quantity", expected=decision, found=order)
        if signal is not None:
            row.agree("symbol", "side", "trade_id", expected=signal, found=order)

    def _check_book(self, row: str, signal: Signal, decision: Decision, order: SignalOrder | None) -> None:
        book = self._report.ask(Rule.BOOK, row)
        if decision.fills_seen < self._fills_seen:
            expected = f"fills_seen {self._fills_seen} or later, as the decision before had"
            book.breach(expected=expected, found=decision.fills_seen)
            return
        self._fills_seen = decision.fills_seen
        self._book.advance(decision.fills_seen)
        book.expect("fills_seen", expected=self._rebooking.last_seq, found=decision.fills_seen)
        marks = numbers(decision.marks)
        if marks is None:
            book.breach(expected="marks that are prices", found=decision.marks)
            return
        cash = self._cash(book, decision)
        valued = self._book.value(signal.symbol, decision, marks, cash=cash)
        bought = _bought(signal, decision, marks)
        _compare(book, decision, valued, bought)
        if order is not None:
            book.expect("mark of its order", expected=order.reference_price, found=marks.get(signal.symbol))
        if decision.verdict == "approved" and signal.side == "BUY":
            self._check_limits(row, decision, valued, bought)
            self._check_breaker(row, decision)
            self._check_drawdown(row, decision, valued)

    def _cash(self, book: Check, decision: Decision) -> Decimal:
        """Cash that the decision found: what fills left, and the adjustments that it may have seen."""
        possible = [self._rebooking.cash + amount for amount in self._history.possible_adjustments(self._when)]
        if decision.cash not in possible:
            texts = " or ".join(str(cash) for cash in possible[-3:])
            book.breach(expected=f"cash {texts}", found=decision.cash)
            return possible[-1]
        return decision.cash

    def _check_limits(self, row: str, decision: Decision, valued: Valued, bought: Decimal) -> None:
        check = self._report.ask(Rule.LIMITS, row)
        for name, after in (("max_exposure", valued.exposure + bought), ("max_position", valued.committed + bought)):
            limit = _limit(check, decision, name)
            if limit is not None and not after <= limit * valued.equity + TOLERANCE:
                check.breach(expected=f"at most {name} {limit * valued.equity}", found=after)

    def _check_breaker(self, row: str, decision: Decision) -> None:
        check = self._report.ask(Rule.BREAKER, row)
        if decision.breaker_active:
            check.breach(expected="no approval", found="breaker_active recorded with it")
        if since := self._history.tripped_before(self._when):
            found = f"active since {since}, approved {decision.decided_at}"
            check.breach(expected="an inactive breaker", found=found)

    def _check_drawdown(self, row: str, decision: Decision, valued: Valued) -> None:
        check = self._report.ask(Rule.DRAWDOWN, row)
        references = self._history.possible_references(self._when) or [decision.equity]
        if decision.reference_equity not in references:
            texts = " or ".join(map(str, references))
            check.breach(expected=f"reference_equity {texts}", found=decision.reference_equity)
        limit = _limit(check, decision, "max_daily_drawdown")
        least = min((reference - valued.equity) / reference for reference in references)
        if limit is not None and not least < limit:
            check.breach(expected=f"a drawdown below {limit}", found=least)


def _compare(book: Check, decision: Decision, valued: Valued, bought: Decimal) -> None:
    for what, expected in (
        ("equity", valued.equity),
        ("exposure_before", valued.exposure),
        ("exposure_after", valued.exposure + bought),
        ("position_after", valued.committed + bought),
    ):
        book.near(what, expected=expected, found=getattr(decision, what))


def _limit(check: Check, decision: Decision, name: str) -> Decimal | None:
    """Limit recorded with the decision; None is a breach."""
    limit = (numbers(decision.limits) or {}).get(name)
    if limit is None:
        check.breach(expected=f"a recorded {name}", found=decision.limits.get(name))
    return limit


def _bought(signal: Signal, decision: Decision, marks: Mapping[str, Decimal]) -> Decimal:
    """Notional that the approval added; 0 for a sale or a rejection."""
    if decision.quantity is None or signal.side != "BUY":
        return ZERO
    return decision.quantity * marks.get(signal.symbol, ZERO)
