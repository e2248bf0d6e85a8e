"""Trades that are closed: positions from their first purchase until nothing of them was held."""

from collections.abc import Sequence
from typing import Any, Final

from cdb.account.opened import Opened
from cdb.account.since import Since
from cdb.kit.figures import moment, money, percent, price, seconds
from cdb.performance.spreadsheet import Columns, records
from services.ledger.results import closed_trades
from services.performance.trades import ClosedTrade

COLUMNS: Final[Columns[ClosedTrade]] = {
    "strategy": lambda trade: trade.strategy,
    "symbol": lambda trade: trade.symbol,
    "opened_at": lambda trade: trade.opened_at,
    "closed_at": lambda trade: trade.closed_at,
    "duration_s": lambda trade: trade.duration_s,
    "quantity": lambda trade: trade.quantity,
    "entry": lambda trade: trade.entry,
    "exit": lambda trade: trade.exit,
    "fees": lambda trade: trade.fees,
    "result": lambda trade: trade.result,
    "return": lambda trade: trade.return_,
    "cause": lambda trade: trade.cause,
    "position_id": lambda trade: trade.position_id,
}
TITLES: Final = (
    "strategy",
    "symbol",
    "opened (UTC)",
    "closed (UTC)",
    "lasted",
    "quantity",
    "entry",
    "exit",
    "fees",
    "result",
    "return",
    "ended by",
)


def trades_since(ledger: Opened, since: Since) -> list[ClosedTrade]:
    """Those closed in the span that ends now, in the order of their closing. Raises ServerAway."""
    return [trade for trade in closed_trades(ledger.rows) if since.includes(trade.closed_at, end=ledger.now)]


def trades_json(ledger: Opened, since: Since, trades: Sequence[ClosedTrade]) -> dict[str, Any]:
    return {
        "ledger": ledger.name,
        "as_of": ledger.now,
        "since": since.before(ledger.now),
        "trades": records(COLUMNS, trades),
    }


def trade_cells(trade: ClosedTrade) -> tuple[str, ...]:
    """What a person reads of *trade*, in the order of TITLES."""
    return (
        trade.strategy,
        trade.symbol,
        moment(trade.opened_at),
        moment(trade.closed_at),
        seconds(trade.duration_s),
        f"{trade.quantity:f}",
        price(trade.entry),
        price(trade.exit),
        money(trade.fees),
        money(trade.result),
        percent(trade.return_),
        trade.cause.replace("_", " "),
    )
