"""What cdb_core does with trades, whatever its strategies are."""

from decimal import Decimal
from typing import ClassVar

import pytest

from services.bus.entries import Entry
from services.clock import EventClock
from services.core.handlers import CoreHandler
from services.core.strategies.port import Opinion
from services.messages import MarketData, Signal
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Outcome, Received
from services.settings import Settings
from services.topology import MARKET_DATA
from tests.support.building import NOW, a_trade

BUY = Opinion("BUY", Decimal(1), Decimal(0))


class Eager:
    """A strategy that buys on every trade, and keeps what it was shown."""

    name: ClassVar[str] = "eager_v1"
    indicators: ClassVar[tuple[str, ...]] = ("eagerness",)
    settings: ClassVar[type[Settings]] = Settings

    def __init__(self) -> None:
        self.shown: list[MarketData] = []

    def update(self, trade: MarketData) -> Opinion | None:
        self.shown.append(trade)
        return BUY


class Eager2(Eager):
    """Another one."""

    name: ClassVar[str] = "eager_v2"


def handle(handler: CoreHandler, *trades: MarketData) -> Outcome:
    received = [Received(Entry(MARKET_DATA, f"{number}-0", b"", None), trade) for number, trade in enumerate(trades)]
    return handler.handle(Batch(received, caught_up=True))


def a_handler(*strategies: Eager) -> CoreHandler:
    makers = [lambda one=one: one for one in strategies]
    return CoreHandler(makers, symbols=frozenset({"BTCUSDT"}), clock=EventClock(), faults=Faults())


def test_every_strategy_sees_every_trade_and_signals_under_its_own_name() -> None:
    first, second = Eager(), Eager2()
    outcome = handle(a_handler(first, second), a_trade())
    assert [len(one.shown) for one in (first, second)] == [1, 1]
    signals = [item.message for item in outcome.outgoing if isinstance(item.message, Signal)]
    assert [one.signal_id for one in signals] == ["BTCUSDT:eager_v1:1", "BTCUSDT:eager_v2:1"]


@pytest.mark.parametrize(
    ("ts_event", "trade_id", "news"),
    [(NOW, 5, False), (NOW, 4, False), (NOW - 1, 6, False), (NOW, 6, True), (NOW + 1, 1, True)],
)
def test_strategies_see_only_later_trades(ts_event: int, trade_id: int, news: bool) -> None:
    strategy = Eager()
    handler = a_handler(strategy)
    handle(handler, a_trade(ts_event=NOW, trade_id=5))
    handle(handler, a_trade(ts_event=ts_event, trade_id=trade_id))
    assert len(strategy.shown) == 1 + news
