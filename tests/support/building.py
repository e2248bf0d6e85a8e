"""Valid messages and portfolios; a test names only the fields that it is about."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings

from services.actions import Action
from services.messages import MarketData, Order, PositionKey, Signal, signal_id
from services.risk.limits import Limits
from services.risk.portfolio import Book, InFlight, Mark, Portfolio, Position

quick = settings(max_examples=30, deadline=None, database=None)
"""For property tests: 30 examples take milliseconds."""
selective = settings(quick, suppress_health_check=[HealthCheck.filter_too_much])
"""For a rule that few examples reach: the test assumes what the rule needs, and fails if no example has it."""

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
LIMITS = Limits()


def a_trade(**changes: Any) -> MarketData:
    given: dict[str, Any] = {
        "ts_event": NOW,
        "ts_init": NOW,
        "symbol": "BTCUSDT",
        "trade_id": 1,
        "side": "BUY",
        "price": Decimal(100),
        "quantity": Decimal(20),
        "source": "simulated",
        "feed": 1,
        "sequence": 1,
    }
    return MarketData(**given | changes)


def a_signal(**changes: Any) -> Signal:
    given: dict[str, Any] = {
        "ts_event": NOW,
        "ts_init": NOW,
        "symbol": "BTCUSDT",
        "side": "BUY",
        "strategy": "momentum_v1",
        "strength": Decimal("0.5"),
        "price": Decimal(100),
        "volatility": Decimal("0.0002"),
        "trade_id": 1,
        "stream_id": "1700000000000-0",
    }
    given |= changes
    derived = signal_id(given["symbol"], given["strategy"], given["trade_id"])
    return Signal(**{"signal_id": derived} | given)


def an_order(**changes: Any) -> Order:
    given: dict[str, Any] = {
        "ts_event": NOW,
        "ts_init": NOW,
        "order_id": "order:BTCUSDT:momentum_v1:1",
        "cause": "signal",
        "symbol": "BTCUSDT",
        "strategy": "momentum_v1",
        "side": "BUY",
        "quantity": Decimal(10),
        "reference_price": Decimal(100),
        "volatility": Decimal("0.0002"),
    }
    return Order(**given | changes)


def an_action(**changes: Any) -> Action:
    given: dict[str, Any] = {
        "action_id": "action-1",
        "what": "flatten",
        "who": "olga",
        "via": "command",
        "why": "a test",
    }
    return Action(**given | changes)


def a_mark(price: Decimal | str | int, *, ts_event: int = NOW, trade_id: int = 1) -> Mark:
    return Mark(Decimal(price), trade_id, ts_event)


def key(symbol: str, strategy: str = "momentum_v1") -> PositionKey:
    return PositionKey(symbol, strategy)


def a_position(
    symbol: str, *, quantity: Decimal | str | int, cost: Decimal | str | int, strategy: str = "momentum_v1"
) -> Position:
    return Position(symbol, strategy, f"position:{symbol}:{strategy}", Decimal(quantity), Decimal(cost))


def held_as(*positions: Position) -> dict[PositionKey, Position]:
    return {position.key: position for position in positions}


def in_flight(
    symbol: str, side: str, *, quantity: str | int, price: str | int = 100, strategy: str = "momentum_v1"
) -> InFlight:
    order = an_order(symbol=symbol, side=side, quantity=Decimal(quantity), reference_price=Decimal(price))
    return InFlight(order.order_id, order.symbol, strategy, order.side, order.quantity, order.reference_price)


def a_portfolio(
    *,
    cash: str | int = 100_000,
    held: Mapping[str, tuple[str | int, str | int]] | None = None,
    prices: Mapping[str, str | int] | None = None,
    orders_last_minute: int = 0,
    **book: Any,
) -> Portfolio:
    """*held*: quantity and cost by symbol. Every price is 100 unless *prices* has another."""
    positions = book.pop("positions", None) or held_as(
        *(a_position(symbol, quantity=q, cost=c) for symbol, (q, c) in (held or {}).items())
    )
    marks = {symbol: a_mark(100) for symbol in ("BTCUSDT", *(held or {}))}
    marks |= {symbol: a_mark(price) for symbol, price in (prices or {}).items()}
    book_given: dict[str, Any] = {"reference_equity": Decimal(100_000)}
    return Portfolio(
        Book(cash=Decimal(cash), positions=positions, **book_given | book),
        marks,
        orders_last_minute=orders_last_minute,
    )
