"""What the account has earned by day, symbol or strategy, and how that adds up to its realised result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from cdb.account.opened import Opened
from cdb.account.since import Since
from cdb.account.trades import trades_since
from cdb.performance.rows import Filled, account_of, fills_of
from cdb.performance.spreadsheet import Columns
from services.performance.figures import values
from services.performance.trades import ClosedTrade, TradeFigures, figures_by

ZERO = Decimal(0)


@dataclass(frozen=True)
class Sum:
    """A result and the fees of the same fills."""

    result: Decimal
    fees: Decimal


@dataclass(frozen=True)
class Account:
    """The whole account: what is not in closed trades is in positions that are still open."""

    closed: Sum
    still_open: Sum
    realised_pnl: Decimal
    """As cdb_execution has kept it, fill by fill."""

    @property
    def adds_up(self) -> bool:
        return self.closed.result + self.still_open.result == self.realised_pnl


@dataclass(frozen=True)
class Earned:
    """The figures of closed trades by *group*, and of all of them; *account* only without a beginning."""

    ledger: str
    as_of: datetime
    since: datetime | None
    group: str
    groups: dict[str, TradeFigures]
    closed: TradeFigures
    account: Account | None

    def as_json(self) -> dict[str, Any]:
        return {
            "ledger": self.ledger,
            "as_of": self.as_of,
            "since": self.since,
            "by": self.group,
            "groups": {name: values(figures) for name, figures in self.groups.items()},
            "closed_trades": values(self.closed),
            "account": self.account,
        }

    def columns(self) -> Columns[tuple[str, TradeFigures]]:
        """Those of a spreadsheet: the group's name and its figures."""
        return {
            self.group: lambda one: one[0],
            "trades": lambda one: one[1].trades,
            "wins": lambda one: one[1].wins,
            "win_rate": lambda one: one[1].win_rate,
            "result": lambda one: one[1].result,
            "fees": lambda one: one[1].fees,
        }


def earned(ledger: Opened, since: Since, group: str) -> Earned:
    """Read and group the trades that were closed since. Raises ServerAway."""
    trades = trades_since(ledger, since)
    return Earned(
        ledger=ledger.name,
        as_of=ledger.now,
        since=since.before(ledger.now),
        group=group,
        groups=figures_by(group, trades),
        closed=TradeFigures(trades),
        account=None if since.when else _account(ledger, trades),
    )


def _account(ledger: Opened, trades: Sequence[ClosedTrade]) -> Account:
    closed = {trade.position_id for trade in trades}
    fills = fills_of(ledger.rows)
    return Account(
        closed=_sum([fill for fill in fills if fill.position_id in closed]),
        still_open=_sum([fill for fill in fills if fill.position_id not in closed]),
        realised_pnl=account_of(ledger.rows).realised_pnl,
    )


def _sum(fills: Sequence[Filled]) -> Sum:
    return Sum(
        result=sum((fill.realised_pnl for fill in fills if fill.realised_pnl is not None), ZERO),
        fees=sum((fill.fee for fill in fills), ZERO),
    )
