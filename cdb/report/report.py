"""All that a report says, read from one snapshot of the ledger and computed by services/performance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from cdb.account.opened import Opened
from cdb.account.since import Since
from cdb.account.trades import COLUMNS as TRADE_COLUMNS
from cdb.performance.fifo import disposals
from cdb.performance.figures import drawdown_json
from cdb.performance.outline import Outline, Point
from cdb.performance.rows import account_of, fills_of, held_of
from cdb.performance.spreadsheet import records
from cdb.report.tax import TaxRow
from services.ledger.results import closed_trades, equity_marks
from services.performance.equity import EquityCurve
from services.performance.figures import values
from services.performance.trades import GROUPS, ClosedTrade, TradeFigures, exposure_time, figures_by

ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class Choice:
    """What a report is about: a strategy, a symbol, both, or the whole account."""

    strategy: str | None = None
    symbol: str | None = None

    @property
    def is_all(self) -> bool:
        return self.strategy is None and self.symbol is None

    def includes(self, strategy: str, symbol: str) -> bool:
        return self.strategy in {None, strategy} and self.symbol in {None, symbol}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Closed trades, fills and marks of equity from *since* to *as_of*. Money is in the quote asset.

    *equity* and *equity_points* are those of the whole account, None and empty if a part of it was chosen: there are no
    marks of a part.
    """

    ledger: str
    choice: Choice
    since: datetime | None
    as_of: datetime
    trades: Sequence[ClosedTrade]
    rows: Sequence[TaxRow]
    unrealised: Decimal
    equity_now: Decimal
    equity: EquityCurve | None
    equity_points: Sequence[Point]
    exposure_time: float | None

    @property
    def figures(self) -> TradeFigures:
        return TradeFigures(self.trades)

    def by(self, group: str) -> dict[str, TradeFigures]:
        """The figures of each name in *group*."""
        return figures_by(group, self.trades)

    @property
    def fees(self) -> Decimal:
        """Those of all fills, also of trades that are not closed."""
        return sum((row.fill.fee for row in self.rows), ZERO)

    @property
    def realised(self) -> Decimal:
        """The results of all sales by average cost: what the account's own accounting says."""
        return sum((row.fill.realised_pnl for row in self.rows if row.fill.realised_pnl is not None), ZERO)

    @property
    def realised_by_fifo(self) -> Decimal:
        """The same sales, each with the oldest purchases of its symbol."""
        return sum((row.fifo.result for row in self.rows if row.fifo), ZERO)

    @property
    def result_points(self) -> list[Point]:
        """The results of closed trades, added up."""
        outline = Outline()
        for trade, total in zip(self.trades, accumulate(trade.result for trade in self.trades), strict=True):
            outline.add(trade.closed_at.timestamp(), float(total))
        return outline.points

    def as_json(self) -> dict[str, Any]:
        figures = self.figures
        best_and_worst = [trade for trade in (figures.best_trade, figures.worst_trade) if trade]
        best, worst = records(TRADE_COLUMNS, best_and_worst) or (None, None)
        return {
            "ledger": self.ledger,
            "strategy": self.choice.strategy,
            "symbol": self.choice.symbol,
            "since": self.since,
            "as_of": self.as_of,
            "performance": values(figures),
            **{f"by_{group}": {name: values(one) for name, one in self.by(group).items()} for group in GROUPS},
            "best_trade": best,
            "worst_trade": worst,
            "fills": len(self.rows),
            "fees": self.fees,
            "realised_by_average_of_position": self.realised,
            "realised_by_fifo_of_symbol": self.realised_by_fifo,
            "unrealised": self.unrealised,
            "equity": self.equity_now,
            "exposure_time": self.exposure_time,
            "equity_figures": _equity_json(self.equity) if self.equity else None,
        }


def _equity_json(equity: EquityCurve) -> dict[str, Any]:
    return {
        "opening": equity.opening and equity.opening._asdict(),
        "newest": equity.newest and equity.newest._asdict(),
        "daily_returns": len(equity.daily_returns),
        **values(equity),
        "drawdown": drawdown_json(equity.deepest),
    }


def report_of(ledger: Opened, since: Since, choice: Choice) -> Report:
    """Read the account and compute its report. Raises ServerAway, Refused."""
    begin = since.before(ledger.now)
    account, all_held, all_fills = account_of(ledger.rows), held_of(ledger.rows), fills_of(ledger.rows)
    fifo = disposals(all_fills)

    def is_in(when: datetime, strategy: str, symbol: str) -> bool:
        return choice.includes(strategy, symbol) and since.includes(when, end=ledger.now)

    trades = [t for t in closed_trades(ledger.rows) if is_in(t.closed_at, t.strategy, t.symbol)]
    rows = [TaxRow(f, fifo.get(f.fill_id)) for f in all_fills if is_in(f.filled_at, f.strategy, f.symbol)]
    held = [one for one in all_held if choice.includes(one.strategy, one.symbol)]
    equity, points = _equity(ledger, begin)
    started = min(
        [*(mark.at for mark in (equity.opening,) if mark), *(fill.filled_at for fill in all_fills[:1])],
        default=ledger.now,
    )
    return Report(
        ledger=ledger.name,
        choice=choice,
        since=begin,
        as_of=ledger.now,
        trades=trades,
        rows=rows,
        unrealised=sum((one.unrealised for one in held), ZERO),
        equity_now=account.cash + sum((one.value for one in all_held), ZERO),
        equity=equity if choice.is_all else None,
        equity_points=points if choice.is_all else [],
        exposure_time=exposure_time(
            trades, [one.opened_at for one in held], begin=max(started, begin or started), end=ledger.now
        ),
    )


def _equity(ledger: Opened, begin: datetime | None) -> tuple[EquityCurve, list[Point]]:
    curve, outline = EquityCurve(), Outline()
    for at, equity in equity_marks(ledger.rows, begin):
        curve.add(at, equity)
        outline.add(at.timestamp(), float(equity))
    return curve, outline.points
