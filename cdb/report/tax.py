"""Every fill with what its sale has cost and earned in two ways: by average cost, and first in, first out."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cdb.performance.fifo import Disposal
from cdb.performance.rows import Filled
from cdb.performance.spreadsheet import Columns


@dataclass(frozen=True, slots=True)
class TaxRow:
    """One fill; *fifo* is None for a purchase."""

    fill: Filled
    fifo: Disposal | None

    @property
    def proceeds(self) -> Decimal | None:
        """What a sale brought, less its fee."""
        return None if self.fill.realised_pnl is None else self.fill.notional - self.fill.fee

    @property
    def average_cost(self) -> Decimal | None:
        """The share of its position's cost that a sale took with it, as the bot accounts."""
        if self.fill.realised_pnl is None:
            return None
        return self.fill.notional - self.fill.fee - self.fill.realised_pnl

    @property
    def bought_from(self) -> datetime | None:
        return self.fifo.bought_from if self.fifo else None

    @property
    def bought_until(self) -> datetime | None:
        return self.fifo.bought_until if self.fifo else None


COLUMNS: Final[Columns[TaxRow]] = {
    "filled_at_utc": lambda row: row.fill.filled_at,
    "symbol": lambda row: row.fill.symbol,
    "strategy": lambda row: row.fill.strategy,
    "side": lambda row: row.fill.side,
    "cause": lambda row: row.fill.cause,
    "quantity": lambda row: row.fill.quantity,
    "price": lambda row: row.fill.price,
    "notional": lambda row: row.fill.notional,
    "fee": lambda row: row.fill.fee,
    "proceeds_after_fee": lambda row: row.proceeds,
    "cost_by_average_of_position": lambda row: row.average_cost,
    "result_by_average_of_position": lambda row: row.fill.realised_pnl,
    "cost_by_fifo_of_symbol": lambda row: row.fifo and row.fifo.cost,
    "result_by_fifo_of_symbol": lambda row: row.fifo and row.fifo.result,
    "fifo_bought_from_utc": lambda row: row.bought_from,
    "fifo_bought_until_utc": lambda row: row.bought_until,
    "fill_id": lambda row: row.fill.fill_id,
    "order_id": lambda row: row.fill.order_id,
    "position_id": lambda row: row.fill.position_id,
}
"""Of the spreadsheet. Money is in the quote asset; an amount that a purchase does not have is empty."""
