"""The newest prices, and what a price may set off: a new day, a stop loss, the breaker.

This is the hot path: it runs for every trade of the market, reads no ledger, and only says that something is due;
the handler then looks at the ledger before anything is decided.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from services.clock import DAY_NS, end_of_utc_day
from services.messages import MarketData
from services.risk.limits import Limits
from services.risk.portfolio import ZERO, Book, Mark, Portfolio
from services.risk.rules import stop_price
from services.volatility import Volatility


class Holding(NamedTuple):
    """What all strategies together hold of one symbol; cost is what it has cost, fees included."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO


class Marks:
    """Prices by symbol, and the prices at which the book last seen would have to act."""

    def __init__(self, marks: dict[str, Mark], limits: Limits) -> None:
        self.newest = marks
        self.unsaved: dict[str, Mark] = {}
        self._limits = limits
        self._volatility: dict[str, Volatility] = {}
        self._last_moves: dict[str, tuple[int, int]] = {}
        self._stops: dict[str, Decimal] = {}
        self._held: dict[str, Holding] = {}
        self._equity = ZERO
        self._floor: Decimal | None = None
        self._day_begins_ns = self._day_ends_ns = 0

    def watch(self, book: Book) -> None:
        """Take *book* as what prices are watched for from now on."""
        portfolio = Portfolio(book, self.newest)
        self._held, self._stops = {}, {}
        for key, position in book.positions.items():
            held = self._held.get(position.symbol, Holding())
            self._held[position.symbol] = Holding(held.quantity + position.quantity, held.cost + position.cost)
            if portfolio.sellable(key):
                highest = self._stops.get(position.symbol, ZERO)
                self._stops[position.symbol] = max(highest, stop_price(position, self._limits))
        self._equity = portfolio.equity()
        known = book.reference_equity is not None and not book.breaker_active
        self._floor = portfolio.reference_equity() * (1 - self._limits.max_daily_drawdown) if known else None
        self._day_ends_ns = end_of_utc_day(book.reference_day) if book.reference_day else 0
        self._day_begins_ns = self._day_ends_ns - DAY_NS

    def is_new_day(self, now_ns: int) -> bool:
        """Whether it is not the UTC day of the watched book, or none has been opened yet."""
        return not self._day_begins_ns <= now_ns < self._day_ends_ns

    def apply(self, trade: MarketData) -> bool:
        """Take in a price unless it is old news; tell whether it reaches a stop loss or the drawdown limit."""
        self._note_move(trade)
        old = self.newest.get(trade.symbol)
        if old is not None and not old.is_older_than(trade.ts_event, trade.trade_id):
            return False
        mark = Mark(trade.price, trade.trade_id, trade.ts_event)
        self.newest[trade.symbol] = self.unsaved[trade.symbol] = mark
        held = self._held.get(trade.symbol)
        if held is None:
            return False
        self._equity += held.quantity * trade.price - (held.quantity * old.price if old else held.cost)
        stop = self._stops.get(trade.symbol)
        return (stop is not None and trade.price <= stop) or (self._floor is not None and self._equity <= self._floor)

    def take_up(self, trade: MarketData) -> None:
        """Take in a price that an earlier process has acted upon: what it set off is in the ledger."""
        self._note_move(trade)
        known = self.newest.get(trade.symbol)
        if known is None or known.is_older_than(trade.ts_event, trade.trade_id):
            self.newest[trade.symbol] = self.unsaved[trade.symbol] = Mark(trade.price, trade.trade_id, trade.ts_event)

    def forget_time(self, symbol: str) -> None:
        """Keep a symbol's price, which counts as old from now on: the next trade is news, whatever its time."""
        self.newest[symbol] = Mark(self.newest[symbol].price, trade_id=-1, ts_event=0)
        self._last_moves.pop(symbol, None)

    def saved(self, marks: Mapping[str, Mark]) -> None:
        """Take notice that *marks* are in the ledger."""
        for symbol, mark in marks.items():
            if self.unsaved.get(symbol) is mark:
                del self.unsaved[symbol]

    def volatility(self, symbol: str) -> Decimal:
        """How much the symbol's price has moved lately."""
        known = self._volatility.get(symbol)
        return known.value() if known else ZERO

    def _note_move(self, trade: MarketData) -> None:
        """Let volatility follow; after a restart the ledger may have a price that came again only then."""
        position = (trade.ts_event, trade.trade_id)
        if position > self._last_moves.get(trade.symbol, (0, -1)):
            self._last_moves[trade.symbol] = position
            known = self._volatility.get(trade.symbol)
            if known is None:
                known = self._volatility[trade.symbol] = Volatility()
            known.update(trade.price)
