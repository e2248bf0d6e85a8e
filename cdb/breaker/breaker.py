"""The circuit breaker as the operator sees it: whether it is active, why, and what a reset would do."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cdb.performance.rows import NO_ACCOUNT
from services.clock import Clock
from services.errors import ServerAway
from services.ledger.connection import Ledger
from services.risk.portfolio import Portfolio
from services.risk.store import RiskStore

_LAST_CHANGE: Final = """
SELECT active, cause, equity, changed_at FROM breaker ORDER BY breaker_seq DESC LIMIT 1
"""
_HUNDREDTH: Final = Decimal("0.01")


@dataclass(frozen=True)
class BreakerState:
    """The breaker and the equity it watches, in the quote asset, at the prices that the ledger has.

    since, cause and equity_then describe its last change, None if it has never changed. drawdown is a share.
    """

    active: bool
    since: datetime | None
    cause: str | None
    equity_then: Decimal | None
    equity: Decimal
    reference_equity: Decimal
    drawdown: Decimal
    all_positions_marked: bool

    def as_dict(self) -> dict[str, Any]:
        """All of it for a program, the drawdown in percent to two decimals."""
        fields = dict(vars(self))
        fields["drawdown_percent"] = (100 * fields.pop("drawdown")).quantize(_HUNDREDTH)
        return fields


class BreakerDesk:
    """Reads the breaker and resets it. Every method raises ServerAway if the ledger cannot do it now."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        # The opening cash is never used: a missing account is refused before the store could open one.
        self._store = RiskStore(ledger, opening_cash=Decimal(0))

    def state(self) -> BreakerState:
        """Read the breaker as it stands."""
        with self._ledger.transaction() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM account)")
            if not cursor.fetchall()[0][0]:
                raise ServerAway("PostgreSQL", NO_ACCOUNT)
            cursor.execute(_LAST_CHANGE)
            _, cause, equity_then, since = cursor.fetchone() or (False, None, None, None)
        book = self._store.load().book
        portfolio = Portfolio(book, self._store.load_marks())
        return BreakerState(
            active=book.breaker_active,
            since=since,
            cause=cause,
            equity_then=equity_then,
            equity=portfolio.equity(),
            reference_equity=portfolio.reference_equity(),
            drawdown=portfolio.drawdown(),
            all_positions_marked=portfolio.is_marked(),
        )

    def reset(self, state: BreakerState) -> None:
        """Reset the breaker; drawdown is measured against the equity of *state* from now on."""
        self._store.reset_breaker("operator", equity=state.equity, now_ns=self._clock.now_ns())
