"""The account as it stands: worth, results, drawdown and exposure against their limits, breaker, last fills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from cdb.account.opened import Opened
from cdb.account.positions import OpenPositions, open_positions
from cdb.account.since import Since
from cdb.performance.rows import account_of
from console.account.numbers import DECISIONS, first_since
from services.actions import Recorded
from services.ledger.actions import newest_actions
from services.ledger.results import Reader, equity_marks
from services.ledger.snapshot import Snapshot
from services.messages import Cause, PositionKey, Side
from services.performance.equity import Mark
from services.risk.limits import Limits
from services.risk.portfolio import Book, InFlight, Portfolio, Position
from services.risk.portfolio import Mark as Price

T = TypeVar("T")
LAST_FILLS: Final = 12
LAST_ACTIONS: Final = 5
RECENT: Final = timedelta(minutes=15)

_REFERENCE: Final = "SELECT equity, cause, noted_at FROM equity ORDER BY equity_seq DESC LIMIT 1"
_DAY_OPEN: Final = "SELECT equity, cause, noted_at FROM equity WHERE day = %s AND cause = 'day_open' LIMIT 1"
_BREAKER: Final = """
SELECT active, cause, equity, reference_equity, changed_at FROM breaker ORDER BY breaker_seq DESC LIMIT 1
"""
_IN_FLIGHT: Final = """
SELECT order_id, symbol, strategy, side, quantity, reference_price FROM orders
WHERE state = 'placed' ORDER BY placed_at LIMIT 1000
"""
_FILLS: Final = """
SELECT f.filled_at, f.symbol, o.strategy, f.side, f.quantity, f.price, f.notional, f.fee, f.realised_pnl, o.cause,
    o.signal_id
FROM fills f JOIN orders o USING (order_id) ORDER BY f.fill_seq DESC LIMIT %s
"""
_VERDICTS: Final = """
SELECT coalesce(reason, ''), count(*) FROM decisions WHERE decision_seq >= %s AND decided_at >= %s
GROUP BY 1 ORDER BY 2 DESC
"""


@dataclass(frozen=True)
class Reference:
    """Equity that a result is measured from."""

    equity: Decimal
    cause: str
    at: datetime


@dataclass(frozen=True)
class BreakerChange:
    """The last change of the breaker."""

    active: bool
    cause: str
    equity: Decimal
    reference_equity: Decimal
    at: datetime


@dataclass(frozen=True)
class LastFill:
    """One of the newest fills; without a signal a stop loss or an operator has caused it."""

    filled_at: datetime
    symbol: str
    strategy: str
    side: Side
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal
    realised_pnl: Decimal | None
    cause: Cause
    signal_id: str | None


@dataclass(frozen=True)
class Result:
    """What was earned since a moment, and its share of what there was then: None of nothing."""

    amount: Decimal
    share: Decimal | None
    since: datetime | None


@dataclass(frozen=True)
class Standing:
    """The account at the newest prices, as of one moment."""

    as_of: datetime
    holding: OpenPositions
    portfolio: Portfolio
    limits: Limits
    opening_cash: Decimal
    realised: Decimal
    day_open: Reference | None
    reference: Reference | None
    breaker: BreakerChange | None
    fills: Sequence[LastFill]
    verdicts: Mapping[str, int]
    """Decisions of the last RECENT by their reason; of approvals it is empty."""
    actions: Sequence[Recorded]
    """The newest of operators."""
    today: Sequence[Mark]
    """Marks of equity since 00:00 UTC."""

    @property
    def equity(self) -> Decimal:
        return self.holding.equity

    @property
    def since_start(self) -> Result:
        return self._result(self.opening_cash, None)

    @property
    def since_day_open(self) -> Result | None:
        """Since 00:00 UTC; None until cdb_risk has opened the day."""
        return self._result(self.day_open.equity, self.day_open.at) if self.day_open else None

    @property
    def since_reset(self) -> Result | None:
        """Since the breaker was reset, if drawdown is measured from then."""
        if self.reference is None or self.reference.cause != "breaker_reset":
            return None
        return self._result(self.reference.equity, self.reference.at)

    @property
    def exposure_share(self) -> Decimal | None:
        return self.portfolio.exposure() / self.equity if self.equity > 0 else None

    @property
    def oldest_price_s(self) -> float | None:
        """Age of the oldest price that anything held is valued at; None if nothing is held."""
        return max((one.price_age_s for one in self.holding.positions if one.price_age_s is not None), default=None)

    @property
    def without_price(self) -> Sequence[str]:
        """Symbols that are held and counted at their cost."""
        return sorted({one.held.symbol for one in self.holding.positions if one.held.price is None})

    def _result(self, before: Decimal, since: datetime | None) -> Result:
        earned = self.equity - before
        return Result(earned, earned / before if before > 0 else None, since)


def standing(rows: Snapshot, limits: Limits) -> Standing:
    """Read it. Raises ServerAway."""
    now: datetime = rows.execute("SELECT now()")[0][0]
    holding = open_positions(Opened("", rows, now, limits), Since())
    account = account_of(rows)
    midnight = datetime.combine(now.astimezone(UTC).date(), time.min, UTC)
    reference, breaker = _one(rows, _REFERENCE, Reference), _one(rows, _BREAKER, BreakerChange)
    return Standing(
        as_of=now,
        holding=holding,
        portfolio=_portfolio(rows, holding, reference, breaker),
        limits=limits,
        opening_cash=account.opening_cash,
        realised=account.realised_pnl,
        day_open=_one(rows, _DAY_OPEN, Reference, midnight.date()),
        reference=reference,
        breaker=breaker,
        fills=[LastFill(*row) for row in rows.execute(_FILLS, (LAST_FILLS,))],
        verdicts=verdicts_since(rows, now - RECENT),
        actions=newest_actions(rows, LAST_ACTIONS),
        today=list(equity_marks(rows, midnight)),
    )


def verdicts_since(rows: Reader, since: datetime) -> dict[str, int]:
    """How many decisions there were by their reason, the most frequent first."""
    return dict(rows.execute(_VERDICTS, (first_since(rows, DECISIONS, since), since)))


def _portfolio(
    rows: Snapshot, holding: OpenPositions, reference: Reference | None, breaker: BreakerChange | None
) -> Portfolio:
    """The account as cdb_risk values it."""
    held = [one.held for one in holding.positions]
    book = Book(
        cash=holding.cash,
        positions={
            PositionKey(h.symbol, h.strategy): Position(h.symbol, h.strategy, h.position_id, h.quantity, h.cost)
            for h in held
        },
        in_flight=tuple(InFlight(*row) for row in rows.execute(_IN_FLIGHT)),
        reference_equity=reference.equity if reference else None,
        breaker_active=breaker.active if breaker else False,
    )
    prices = {h.symbol: Price(h.price, 0, h.ts_event or 0) for h in held if h.price is not None}
    return Portfolio(book, prices)


def _one(rows: Reader, statement: str, kind: type[T], *arguments: object) -> T | None:
    for row in rows.execute(statement, arguments):
        return kind(*row)
    return None
