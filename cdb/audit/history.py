"""What held at a moment: the breaker's state, the reference of drawdown, the test adjustments."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Final

from cdb.audit.rows import Adjustment, BreakerChange, Reference

READ_BEFORE: Final = timedelta(seconds=10)
"""Longest time between a decision's read of the ledger and its stamp, even if it was slowed down."""


class History:
    """The small tables by time; *sums* are those of the first test adjustments: of none, of one, up to all.

    Other processes than risk may write them (only the breaker's trips are risk's own), and the ledger does not say
    whether risk read before or after; where that matters, either order is allowed.
    """

    def __init__(
        self, breaker: Sequence[BreakerChange], references: Sequence[Reference], adjustments: Sequence[Adjustment]
    ) -> None:
        self._breaker = breaker
        # A row that was stamped before its predecessor but written after it took effect after it.
        self._changed = list(accumulate((change.changed_at for change in breaker), max))
        self._references = references
        self.references = frozenset(reference.equity for reference in references)
        self._referenced = list(accumulate((reference.noted_at for reference in references), max))
        self._adjusted = list(accumulate((adjustment.noted_at for adjustment in adjustments), max))
        self.sums = list(accumulate((adjustment.amount for adjustment in adjustments), initial=Decimal(0)))

    def tripped_before(self, when: datetime) -> datetime | None:
        """Time since which the breaker was active at *when*; None if it was not, or changed at that very moment."""
        newest = bisect_left(self._changed, when) - 1
        if newest < 0 or not self._breaker[newest].active or when in self._changed[newest + 1 : newest + 2]:
            return None
        return self._changed[newest]

    def possible_adjustments(self, when: datetime) -> list[Decimal]:
        """Give the sums by which a decision at *when* may have found cash adjusted: of the first ones until then."""
        return self.sums[: bisect_right(self._adjusted, when) + 1]

    def most_adjusted(self, when: datetime) -> Decimal:
        """Give the largest sum by which a fill at *when* may have found cash adjusted."""
        since = bisect_left(self._adjusted, when - READ_BEFORE)
        until = bisect_right(self._adjusted, when + READ_BEFORE)
        return max(self.sums[since : until + 1])

    def possible_references(self, when: datetime) -> list[Decimal]:
        """Give the references that a decision at *when* may have used; [] before the first day opened."""
        until = bisect_right(self._referenced, when)
        since = max(0, bisect_right(self._referenced, when - READ_BEFORE) - 1)
        return [reference.equity for reference in self._references[since:until]]
