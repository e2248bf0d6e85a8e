"""The figures of `cdb report`, from as many trades as there are: each is read, counted and forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from cdb.performance.outline import Outline, Point
from cdb.performance.rows import account_of, held_of
from console.account.numbers import FILLS, first_since
from console.account.trades import Filter, all_closed
from services.ledger.results import Reader, equity_marks
from services.performance.equity import EquityCurve
from services.performance.trades import GROUPS, ClosedTrade, TradeFigures, exposure_time

ZERO: Final = Decimal(0)
SPANS: Final = {
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "all": None,
}
"""By its name in the address, how far back a range goes."""
GROUPED: Final = ("symbol", "strategy")

_FILLS: Final = """
SELECT count(*), coalesce(sum(f.fee), 0), coalesce(sum(f.realised_pnl), 0)
FROM fills f JOIN orders o USING (order_id)
WHERE f.fill_seq >= %(first)s AND (%(since)s::timestamptz IS NULL OR f.filled_at >= %(since)s)
    AND (%(symbol)s::text IS NULL OR f.symbol = %(symbol)s)
    AND (%(strategy)s::text IS NULL OR o.strategy = %(strategy)s)
"""
_FIRST_FILL: Final = "SELECT filled_at FROM fills ORDER BY fill_seq LIMIT 1"


class Interval(NamedTuple):
    """A time in which something was held."""

    opened_at: datetime
    closed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What the account, or a part of it, has earned and risked since *since*; *equity* is None of a part."""

    since: datetime | None
    as_of: datetime
    figures: TradeFigures
    groups: Mapping[str, dict[str, TradeFigures]]
    fills: int
    fees: Decimal
    realised: Decimal
    unrealised: Decimal
    equity_now: Decimal
    equity: EquityCurve | None
    equity_points: Sequence[Point]
    result_points: Sequence[Point]
    exposure_time: float | None


@dataclass
class _Counted:
    """What is kept of the trades that were read."""

    figures: TradeFigures = field(default_factory=TradeFigures)
    groups: dict[str, dict[str, TradeFigures]] = field(default_factory=lambda: {group: {} for group in GROUPED})
    results: Outline = field(default_factory=Outline)
    held: list[Interval] = field(default_factory=list)
    """Apart from each other, oldest first."""

    def add(self, trade: ClosedTrade) -> None:
        self.figures.add(trade)
        for group, found in self.groups.items():
            found.setdefault(GROUPS[group](trade), TradeFigures()).add(trade)
        self.results.add(trade.closed_at.timestamp(), float(self.figures.result))
        begin, end = trade.opened_at, trade.closed_at
        while self.held and self.held[-1].closed_at >= begin:
            last = self.held.pop()
            begin, end = min(begin, last.opened_at), max(end, last.closed_at)
        self.held.append(Interval(begin, end))


def performance(rows: Reader, span: timedelta | None, *, symbol: str | None, strategy: str | None) -> Performance:
    """Read and count. Raises ServerAway."""
    now: datetime = rows.execute("SELECT now()")[0][0]
    which = Filter(symbol, strategy, since=now - span if span else None)
    counted = _Counted()
    for trade in all_closed(rows, which):
        counted.add(trade)
    account, all_held = account_of(rows), held_of(rows)
    held = [one for one in all_held if strategy in {None, one.strategy} and symbol in {None, one.symbol}]
    first = first_since(rows, FILLS, which.since)
    ((fills, fees, realised),) = rows.execute(_FILLS, {**vars(which), "first": first})
    equity, points = _equity(rows, which.since)
    firsts = [at for (at,) in rows.execute(_FIRST_FILL)] + ([equity.opening.at] if equity.opening else [])
    begun = min(firsts, default=now)
    is_all = symbol is None and strategy is None
    equity_now = account.cash + sum((one.value for one in all_held), ZERO)
    return Performance(
        since=which.since,
        as_of=now,
        figures=counted.figures,
        groups={group: dict(sorted(found.items())) for group, found in counted.groups.items()},
        fills=fills,
        fees=fees,
        realised=realised,
        unrealised=sum((one.unrealised for one in held), ZERO),
        equity_now=equity_now,
        equity=equity if is_all else None,
        equity_points=points if is_all else [],
        result_points=counted.results.points,
        exposure_time=exposure_time(
            counted.held, [one.opened_at for one in held], begin=max(begun, which.since or begun), end=now
        ),
    )


def _equity(rows: Reader, since: datetime | None) -> tuple[EquityCurve, list[Point]]:
    curve, outline = EquityCurve(), Outline()
    for at, equity in equity_marks(rows, since):
        curve.add(at, equity)
        outline.add(at.timestamp(), float(equity))
    return curve, outline.points
