"""Recompute every mark of equity from the fills that it had seen, at the prices that are stored with it."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from cdb.audit.findings import Check, Report, Rule
from cdb.audit.history import History
from cdb.audit.numbers import numbers
from cdb.audit.rebooking import ZERO, Rebooking
from cdb.audit.rows import EquityMark


class EquityCheck:
    """Checks marks in the order of the fills they had seen, while these are booked again."""

    def __init__(self, marks: Iterable[EquityMark], history: History, report: Report) -> None:
        self._marks: Iterator[EquityMark] = iter(marks)
        self._next = next(self._marks, None)
        self._history = history
        self._report = report

    def before(self, fill_seq: int | None, rebooking: Rebooking) -> None:
        """Check the marks that had not seen fill number *fill_seq* yet; None: all that are left."""
        while self._next is not None and (fill_seq is None or self._next.fills_seen < fill_seq):
            self._check(self._next, rebooking)
            self._next = next(self._marks, None)

    def _check(self, mark: EquityMark, rebooking: Rebooking) -> None:
        check = self._report.ask(Rule.EQUITY_MARKS, f"equity at {mark.at}")
        check.expect("fills_seen", expected=rebooking.last_seq, found=mark.fills_seen)
        prices = numbers(mark.marks)
        if prices is None:
            check.breach(expected="marks that are prices", found=mark.marks)
            return
        cash = [rebooking.cash + adjusted for adjusted in self._history.sums]
        if mark.cash not in cash:
            check.breach(expected=f"cash {cash[-1]}", found=mark.cash)
        held = sum((value for _, value in rebooking.values(prices)), ZERO)
        check.near("exposure", expected=held, found=mark.exposure)
        check.near("equity", expected=mark.cash + held, found=mark.equity)
        self._check_drawdown(check, mark)

    def _check_drawdown(self, check: Check, mark: EquityMark) -> None:
        reference = mark.reference_equity
        if reference not in self._history.references and reference != mark.equity:
            check.breach(expected="a reference_equity of the table equity", found=reference)
        share = max(ZERO, (reference - mark.equity) / reference) if reference > ZERO else Decimal(1)
        check.near("drawdown", expected=share, found=mark.drawdown)
