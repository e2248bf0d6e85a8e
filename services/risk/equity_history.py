"""Equity as the ledger's marks have it, for the figures that look back."""

from typing import Final

from services.performance.equity import EquityCurve
from services.risk.store import RiskStore

AT_ONCE: Final = 10_000
"""Marks a call, a week of them, so that an old ledger keeps no decision waiting."""


class EquityHistory:
    """The curve of all marks; the same after a restart."""

    def __init__(self, store: RiskStore) -> None:
        self._store = store
        self.curve = EquityCurve()

    def follow(self) -> bool:
        """Take in the next marks of the ledger; whether these were all, and any is new. Raises ServerAway."""
        return 0 < self._store.follow_equity(self.curve, most=AT_ONCE) < AT_ONCE
