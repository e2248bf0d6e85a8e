"""Ask of every signal: one decision, its order, and whether the ledger as it was then allowed what was approved."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cdb.audit.book import Book, Valued
from cdb.audit.findings import Report, Rule
from cdb.audit.history import History
from cdb.audit.replay import ZERO, Replay
from cdb.audit.rows import Decided, Decision, Signal, SignalOrder
from services.messages import order_id_of_signal, signal_id

TOLERANCE: Final = Decimal("0.00000001")
"""Risk computes with 28 digits and the audit with more; money that differs by less than this is the same."""


class DecisionCheck:
    """Checks signals, decisions and their orders in the order of the decisions' numbers."""

    def __init__(self, replay: Replay, history: History, report: Report) -> None:
        self._book = Book(replay)
        self._replay = replay
        self._history = history
        self._report = report
        self._seen = 0

    def check(self, row: Decided) -> None:
        """Check one signal with its decision and its order."""
        signal, decision, order = row
        known = signal or decision or order
        assert known is not None  # noqa: S101  a row of an outer join has at least one side
        name = f"signal {known.signal_id}"
        self._report.checked(Rule.ONE_DECISION)
        if signal is None:
            self._report.breach(Rule.ONE_DECISION, name, expected="a signal", found=None)
        elif decision is None:
            self._report.breach(Rule.ONE_DECISION, name, expected="one decision", found=None)
        self._check_ids(signal, order)
        self._check_order(name, signal, decision, order)
        if signal is not None and decision is not None:
            self._check_book(f"decision {decision.decision_seq} on {signal.signal_id}", signal, decision, order)
        if order is not None:
            self._book.place(order)

    def _check_ids(self, signal: Signal | None, order: SignalOrder | None) -> None:
        if signal is not None:
            self._report.checked(Rule.DERIVED)
            derived = signal_id(signal.symbol, signal.strategy, signal.trade_id)
            self._report.expect(
                Rule.DERIVED, f"signal {signal.signal_id}", "signal_id", expected=derived, found=signal.signal_id
            )
        if order is not None:
            self._report.checked(Rule.DERIVED)
            derived = order_id_of_signal(order.signal_id)
            self._report.expect(
                Rule.DERIVED, f"order {order.order_id}", "order_id", expected=derived, found=order.order_id
            )

    def _check_order(
        self, name: str, signal: Signal | None, decision: Decision | None, order: SignalOrder | None
    ) -> None:
        report = self._report
        report.checked(Rule.ONE_ORDER)
        if decision is None or decision.verdict != "approved":
            if order is not None:
                verdict = "rejected" if decision else "not decided"
                report.breach(Rule.ONE_ORDER, name, expected=f"no order, for it was {verdict}", found=order.order_id)
            return
        if order is None:
            report.breach(Rule.ONE_ORDER, name, expected="one order", found=None)
            return
        row = f"order {order.order_id}"
        report.expect(Rule.ONE_ORDER, row, "quantity", expected=decision.quantity, found=order.quantity)
        if signal is not None:
            for what in ("symbol", "side", "trade_id"):
                report.expect(Rule.ONE_ORDER, row, what, expected=getattr(signal, what), found=getattr(order, what))

    def _check_book(self, row: str, signal: Signal, decision: Decision, order: SignalOrder | None) -> None:
        report = self._report
        report.checked(Rule.BOOK)
        if decision.fills_seen < self._seen:
            expected = f"fills_seen {self._seen} or later, as the decision before had"
            report.breach(Rule.BOOK, row, expected=expected, found=decision.fills_seen)
            return
        self._seen = decision.fills_seen
        self._book.advance(decision.fills_seen)
        report.expect(Rule.BOOK, row, "fills_seen", expected=self._replay.last_seq, found=decision.fills_seen)
        marks = _numbers(decision.marks)
        if marks is None:
            report.breach(Rule.BOOK, row, expected="marks that are prices", found=decision.marks)
            return
        cash = self._cash(row, decision)
        valued = self._book.value(signal.symbol, decision, marks, cash=cash)
        bought = _bought(signal, decision, marks)
        self._compare(row, decision, valued, bought)
        self._check_order_price(row, signal, order, marks)
        if decision.verdict == "approved" and signal.side == "BUY":
            self._check_limits(row, decision, valued, bought)
            self._check_breaker(row, decision)
            self._check_drawdown(row, decision, valued)

    def _cash(self, row: str, decision: Decision) -> Decimal:
        """Return the cash that the decision found: what fills left, and the adjustments that it may have seen."""
        possible = [self._replay.cash + amount for amount in self._history.possible_adjustments(decision.decided_at)]
        if decision.cash not in possible:
            texts = " or ".join(str(cash) for cash in possible[-3:])
            self._report.breach(Rule.BOOK, row, expected=f"cash {texts}", found=decision.cash)
            return possible[-1]
        return decision.cash

    def _compare(self, row: str, decision: Decision, valued: Valued, bought: Decimal) -> None:
        for what, expected in (
            ("equity", valued.equity),
            ("exposure_before", valued.exposure),
            ("exposure_after", valued.exposure + bought),
            ("position_after", valued.committed + bought),
        ):
            found = getattr(decision, what)
            if not abs(found - expected) <= TOLERANCE:
                self._report.breach(Rule.BOOK, row, expected=f"{what} {expected}", found=found)

    def _check_order_price(
        self, row: str, signal: Signal, order: SignalOrder | None, marks: Mapping[str, Decimal]
    ) -> None:
        if order is not None:
            mark = marks.get(signal.symbol)
            self._report.expect(Rule.BOOK, row, "mark of its order", expected=order.reference_price, found=mark)

    def _check_limits(self, row: str, decision: Decision, valued: Valued, bought: Decimal) -> None:
        report = self._report
        report.checked(Rule.LIMITS)
        limits = _numbers(decision.limits) or {}
        for name, after in (("max_exposure", valued.exposure + bought), ("max_position", valued.committed + bought)):
            limit = limits.get(name)
            if limit is None:
                report.breach(Rule.LIMITS, row, expected=f"a recorded {name}", found=decision.limits.get(name))
            elif not after <= limit * valued.equity + TOLERANCE:
                report.breach(Rule.LIMITS, row, expected=f"at most {name} {limit * valued.equity}", found=after)

    def _check_breaker(self, row: str, decision: Decision) -> None:
        self._report.checked(Rule.BREAKER)
        if decision.breaker_active:
            self._report.breach(Rule.BREAKER, row, expected="no approval", found="breaker_active recorded with it")
        if since := self._history.tripped_before(decision.decided_at):
            found = f"active since {since}, approved {decision.decided_at}"
            self._report.breach(Rule.BREAKER, row, expected="an inactive breaker", found=found)

    def _check_drawdown(self, row: str, decision: Decision, valued: Valued) -> None:
        report = self._report
        report.checked(Rule.DRAWDOWN)
        references = self._history.possible_references(decision.decided_at) or [decision.equity]
        if decision.reference_equity not in references:
            texts = " or ".join(map(str, references))
            report.breach(Rule.DRAWDOWN, row, expected=f"reference_equity {texts}", found=decision.reference_equity)
        limit = (_numbers(decision.limits) or {}).get("max_daily_drawdown")
        if limit is None:
            found = decision.limits.get("max_daily_drawdown")
            report.breach(Rule.DRAWDOWN, row, expected="a recorded max_daily_drawdown", found=found)
            return
        lost = [(reference - valued.equity) / reference for reference in references]
        if not min(lost) < limit:
            report.breach(Rule.DRAWDOWN, row, expected=f"a drawdown below {limit}", found=min(lost))


def _bought(signal: Signal, decision: Decision, marks: Mapping[str, Decimal]) -> Decimal:
    """Return the notional that the approval added; nothing for a sale or a rejection."""
    if decision.quantity is None or signal.side != "BUY":
        return ZERO
    return decision.quantity * marks.get(signal.symbol, ZERO)


def _numbers(recorded: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """Return recorded numbers as Decimal, None if one is no finite number."""
    try:
        numbers = {name: Decimal(str(value)) for name, value in recorded.items()}
    except (InvalidOperation, AttributeError):
        return None
    return numbers if all(number.is_finite() for number in numbers.values()) else None
