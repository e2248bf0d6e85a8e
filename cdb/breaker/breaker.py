"""The circuit breaker as the operator sees it: whether it is active, since when and why."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cdb.performance.rows import NO_ACCOUNT
from services.errors import ServerAway
from services.ledger.connection import Ledger
from services.risk.portfolio import Portfolio
from services.risk.store import RiskStore

_LAST_CHANGE: Final = """
SELECT active, cause, equity, changed_at, who, why FROM breaker LEFT JOIN operator_actions USING (action_id)
ORDER BY breaker_seq DESC LIMIT 1
"""
_HUNDREDTH: Final = Decimal("0.01")


@dataclass(frozen=True)
class BreakerState:
    """The breaker and the equity it watches, in the quote asset, at the prices that the ledger has.

    since, cause and equity_then describe its last change, None if it has never changed; who and why, if that was an
    operator's. drawdown is a share.
    """

    active: bool
    since: datetime | None
    cause: str | None
    who: str | None
    why: str | None
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


def breaker_state(ledger: Ledger) -> BreakerState:
    """Read the breaker as it stands. Raises ServerAway if the ledger cannot be read now."""
    with ledger.transaction() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM account)")
        if not cursor.fetchall()[0][0]:
            raise ServerAway("PostgreSQL", NO_ACCOUNT)
        cursor.execute(_LAST_CHANGE)
        _, cause, equity_then, since, who, why = cursor.fetchone() or (False, *[None] * 5)
    # The opening cash is never used: a missing account is refused before the store could open one.
    store = RiskStore(ledger, opening_cash=Decimal(0))
    book = store.load().book
    portfolio = Portfolio(book, store.load_marks())
    return BreakerState(
        active=book.breaker_active,
        since=since,
        cause=cause,
        who=who,
        why=why,
        equity_then=equity_then,
        equity=portfolio.equity(),
        reference_equity=portfolio.reference_equity(),
        drawdown=portfolio.drawdown(),
        all_positions_marked=portfolio.is_marked(),
    )
