"""What is held, owed and on its way, valued at the newest prices. All money in the quote asset."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from services.costs import most_paid
from services.messages import Order, PositionKey

ZERO = Decimal(0)


class Mark(msgspec.Struct, frozen=True, gc=False):
    """The newest price of a symbol, and the trade that set it; ts_event in nanoseconds."""

    price: Decimal
    trade_id: int
    ts_event: int

    def is_older_than(self, ts_event: int, trade_id: int) -> bool:
        """Whether a trade is news: later, or at the same instant with a higher id."""
        return (ts_event, trade_id) > (self.ts_event, self.trade_id)

    def is_price(self) -> bool:
        """Whether anything may be valued at it; NaN, infinity, 0 and less are no price."""
        return self.price.is_finite() and self.price > ZERO


@dataclass(frozen=True, slots=True)
class Position:
    """What a strategy holds of one symbol; cost is what it has cost, fees included."""

    symbol: str
    strategy: str
    position_id: str
    quantity: Decimal
    cost: Decimal

    @property
    def key(self) -> PositionKey:
        """Whose position in what it is."""
        return PositionKey(self.symbol, self.strategy)


@dataclass(frozen=True, slots=True)
class InFlight:
    """An order without a final state."""

    order_id: str
    symbol: str
    strategy: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    reference_price: Decimal


@dataclass(frozen=True, kw_only=True)
class Book:
    """The account as the ledger has it at one moment. reference_equity is None until the first day has opened."""

    cash: Decimal
    positions: Mapping[PositionKey, Position] = field(default_factory=dict)
    in_flight: tuple[InFlight, ...] = ()
    reference_equity: Decimal | None = None
    reference_day: date | None = None
    breaker_active: bool = False
    fills_seen: int = 0

    def of_symbol(self, symbol: str) -> Iterator[Position]:
        """The positions in *symbol*, one per strategy that holds it."""
        return (position for position in self.positions.values() if position.symbol == symbol)

    def symbols(self) -> Collection[str]:
        """The symbols that are held, each once."""
        return {position.symbol for position in self.positions.values()}


class Portfolio:
    """A book valued at marks. Orders that are approved in between join it with *place*."""

    def __init__(self, book: Book, marks: Mapping[str, Mark], *, orders_last_minute: int = 0) -> None:
        self.book = book
        self.marks = marks
        self.in_flight = list(book.in_flight)
        self.breaker_active = book.breaker_active
        self.orders_last_minute = orders_last_minute

    def place(self, order: Order) -> None:
        """Count *order* as on its way from now on."""
        self.in_flight.append(
            InFlight(order.order_id, order.symbol, order.strategy, order.side, order.quantity, order.reference_price)
        )
        self.orders_last_minute += 1

    def as_book(self) -> Book:
        """The book with what has joined it since; itself if nothing has."""
        if len(self.in_flight) == len(self.book.in_flight) and self.breaker_active == self.book.breaker_active:
            return self.book
        return replace(self.book, in_flight=tuple(self.in_flight), breaker_active=self.breaker_active)

    def is_marked(self) -> bool:
        """Whether every position held has a price."""
        marks = map(self.marks.get, self.book.symbols())
        return all(mark is not None and mark.is_price() for mark in marks)

    def equity(self) -> Decimal:
        """Cash plus all that is held."""
        return self.book.cash + self.held()

    def held(self) -> Decimal:
        """All positions at their marks (a position without one at its cost)."""
        return sum(map(self._value, self.book.positions.values()), ZERO)

    def exposure(self) -> Decimal:
        """The notional of all positions and of the buy orders in flight."""
        return self.held() + sum((self._notional(order) for order in self.in_flight if order.side == "BUY"), ZERO)

    def spendable(self) -> Decimal:
        """Cash that is left whatever the venue charges for the buy orders in flight."""
        owed = (most_paid(order.quantity * order.reference_price) for order in self.in_flight if order.side == "BUY")
        return self.book.cash - sum(owed, ZERO)

    def committed(self, symbol: str) -> Decimal:
        """The notional of one symbol's positions and buy orders in flight, of all strategies."""
        return self.position_value(symbol) + sum(
            (self._notional(o) for o in self.in_flight if o.symbol == symbol and o.side == "BUY"), ZERO
        )

    def committed_quantity(self, symbol: str) -> Decimal:
        """The quantity of one symbol that is held or being bought, by any strategy."""
        held = sum((position.quantity for position in self.book.of_symbol(symbol)), ZERO)
        return held + sum((o.quantity for o in self.in_flight if o.symbol == symbol and o.side == "BUY"), ZERO)

    def position_value(self, symbol: str) -> Decimal:
        """What is held of *symbol* at its mark, by all strategies, orders in flight left out."""
        return sum(map(self._value, self.book.of_symbol(symbol)), ZERO)

    def sellable(self, key: PositionKey) -> Decimal:
        """The quantity that the owner of *key* holds and that no sell order in flight already disposes of."""
        position = self.book.positions.get(key)
        if position is None:
            return ZERO
        own = (o.quantity for o in self.in_flight if (o.symbol, o.strategy) == key and o.side == "SELL")
        return max(ZERO, position.quantity - sum(own, ZERO))

    def reference_equity(self) -> Decimal:
        """What today's loss is measured against: equity at the day's opening or at the last reset."""
        return self.equity() if self.book.reference_equity is None else self.book.reference_equity

    def drawdown(self) -> Decimal:
        """Today's loss as a share of the reference equity; never negative, 1 if there was nothing to lose."""
        reference = self.reference_equity()
        if reference <= ZERO:
            return Decimal(1)
        return max(ZERO, (reference - self.equity()) / reference)

    def relevant_prices(self, symbol: str) -> dict[str, Decimal]:
        """What a decision on *symbol* depends on: its price, and those of all positions and orders in flight."""
        symbols = {symbol, *self.book.symbols(), *(order.symbol for order in self.in_flight)}
        return {name: self.marks[name].price for name in sorted(symbols) if name in self.marks}

    def _value(self, position: Position) -> Decimal:
        mark = self.marks.get(position.symbol)
        return position.quantity * mark.price if mark else position.cost

    def _notional(self, order: InFlight) -> Decimal:
        """Value an order at the worse of its own price and today's."""
        mark = self.marks.get(order.symbol)
        return order.quantity * max(order.reference_price, mark.price if mark else ZERO)
