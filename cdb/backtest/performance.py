"""What was earned and risked, from a ledger's fills: closed trades, and their sums by symbol and by strategy."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.ledger.connection import Ledger

_FILLS: Final = """
SELECT f.position_id, f.symbol, f.side, f.quantity, f.price, f.notional, f.fee, f.realised_pnl, f.filled_at, o.cause,
    s.strategy
FROM fills f JOIN orders o USING (order_id) LEFT JOIN signals s ON s.signal_id = o.signal_id ORDER BY f.fill_seq
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """One fill with the cause of its order; *strategy* is None for a stop loss. Money is in the quote asset."""

    position_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal
    realised_pnl: Decimal | None
    filled_at: datetime
    cause: str
    strategy: str | None


@dataclass
class Trade:
    """A position from its opening on; *closed_at* is None while something of it is held."""

    symbol: str
    strategy: str
    opened_at: datetime
    held: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    result: Decimal = Decimal(0)
    closed_at: datetime | None = None
    ended_by: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasted; 0 while it is open."""
        return (self.closed_at - self.opened_at).total_seconds() if self.closed_at else 0.0


@dataclass(frozen=True)
class Figures:
    """Sums over closed trades: *win_rate* is the share of those with a result above 0, None without any trade.

    *result* is what their sales have realised, fees taken off; *fees* are those of their fills.
    """

    trades: int
    win_rate: Decimal | None
    result: Decimal
    fees: Decimal
    mean_seconds: float


def fills_of(ledger: Ledger) -> list[Filled]:
    """All fills, oldest first. Raises ServerAway."""
    return [Filled(*row) for row in ledger.execute(_FILLS)]


def trades_of(fills: Iterable[Filled]) -> list[Trade]:
    """The trades that *fills* make, in the order of their opening; those that are still open, too."""
    found: dict[str, Trade] = {}
    for fill in fills:
        trade = found.setdefault(fill.position_id, Trade(fill.symbol, fill.strategy or "", fill.filled_at))
        trade.fees += fill.fee
        if fill.side == "BUY":
            trade.held += fill.quantity
            trade.cost += fill.notional + fill.fee
            continue
        trade.held -= fill.quantity
        trade.result += fill.realised_pnl or 0
        if trade.held == 0:
            trade.closed_at, trade.ended_by = fill.filled_at, fill.cause
    return list(found.values())


def figures(trades: Iterable[Trade]) -> Figures:
    """Sum up those of *trades* that are closed."""
    closed = [trade for trade in trades if trade.closed_at is not None]
    count = len(closed)
    return Figures(
        trades=count,
        win_rate=Decimal(sum(trade.result > 0 for trade in closed)) / count if count else None,
        result=sum((trade.result for trade in closed), Decimal(0)),
        fees=sum((trade.fees for trade in closed), Decimal(0)),
        mean_seconds=sum(trade.seconds for trade in closed) / count if count else 0.0,
    )


def figures_by(trades: Iterable[Trade], name: Callable[[Trade], str]) -> dict[str, Figures]:
    """The same for each group of trades of one *name*."""
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(name(trade), []).append(trade)
    return {group: figures(groups[group]) for group in sorted(groups)}
