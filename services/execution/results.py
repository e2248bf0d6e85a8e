"""What the fills of the ledger have earned: sums that follow it, and are the same after a restart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from services.ledger.connection import Ledger
from services.ledger.results import trades_closed_by
from services.performance.trades import ClosedTrade, TradeFigures

AT_ONCE: Final = 5_000
"""Fills a call, so that an old ledger keeps no order waiting."""
_FILLS: Final = """
SELECT f.fill_seq, f.position_id, f.symbol, o.strategy, f.fee, f.realised_pnl
FROM fills f JOIN orders o USING (order_id) WHERE f.fill_seq > %s ORDER BY f.fill_seq LIMIT %s
"""
_ZERO: Final = Decimal(0)


class _Fill(NamedTuple):
    fill_seq: int
    position_id: str
    symbol: str
    strategy: str
    fee: Decimal
    realised_pnl: Decimal | None


@dataclass
class Results:
    """Money in the quote asset, since the account was opened: results are realised ones, fees those of all fills."""

    by_symbol: dict[str, Decimal] = field(default_factory=dict)
    by_strategy: dict[str, Decimal] = field(default_factory=dict)
    trades: dict[str, TradeFigures] = field(default_factory=dict)
    """By strategy."""
    new_fees: Decimal = _ZERO
    new_trades: list[ClosedTrade] = field(default_factory=list)
    """What has come since *taken* was called."""
    _seen: int = 0

    def follow(self, ledger: Ledger) -> bool:
        """Take in the next fills of the ledger; whether these were all. Raises ServerAway, with none taken in."""
        fills = [_Fill(*row) for row in ledger.execute(_FILLS, (self._seen, AT_ONCE))]
        if fills:
            sold = {fill.position_id for fill in fills if fill.realised_pnl is not None}
            last = fills[-1].fill_seq
            closed = trades_closed_by(ledger, sorted(sold), after_seq=self._seen, until_seq=last)
            self._add(fills, closed)
            self._seen = last
        return len(fills) < AT_ONCE

    def taken(self) -> None:
        """Begin to gather new fees and trades anew."""
        self.new_fees, self.new_trades = _ZERO, []

    def _add(self, fills: Sequence[_Fill], closed: Sequence[ClosedTrade]) -> None:
        for fill in fills:
            result = fill.realised_pnl or _ZERO
            self.new_fees += fill.fee
            self.by_symbol[fill.symbol] = self.by_symbol.get(fill.symbol, _ZERO) + result
            self.by_strategy[fill.strategy] = self.by_strategy.get(fill.strategy, _ZERO) + result
        for trade in closed:
            self.trades.setdefault(trade.strategy, TradeFigures()).add(trade)
        self.new_trades += closed
