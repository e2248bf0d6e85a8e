"""What cdb_core does with trades, whatever its strategies are."""

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

import pytest

from services.bus.entries import Entry
from services.clock import Clock, EventClock
from services.core.handlers import CoreHandler
from services.core.strategies.momentum_v1 import Momentum, MomentumSettings
from services.core.strategies.port import Opinion, Strategy
from services.messages import MarketData, Signal
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Outcome, Received
from services.settings import Settings
from services.topology import MARKET_DATA
from tests.support.building import NOW, SECOND, a_trade
from tests.support.clocks import SettableClock

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


def watching(clock: Clock, *makers: Callable[[], Strategy]) -> CoreHandler:
    return CoreHandler(makers, symbols=frozenset({"BTCUSDT", "ETHUSDT"}), clock=clock, faults=Faults())


@pytest.mark.parametrize("by_s", [6, 3600, 40 * 365 * 86_400])
def test_after_the_clock_was_set_back_signals_go_on_at_once(by_s: int) -> None:
    """Windows and cool-downs from a time that is the future now would never end."""
    clock = SettableClock(NOW + by_s * SECOND)
    handler = watching(clock, lambda: Momentum(MomentumSettings()))

    def signals(now: int) -> list[str]:
        """Give a price and, a second later, one that is 1 % higher."""
        clock.now = now + SECOND
        first = a_trade(ts_event=now, ts_init=now, trade_id=now)
        second = a_trade(ts_event=clock.now, ts_init=clock.now, trade_id=now + 1, price=Decimal(101))
        return [item.stream for item in handle(handler, first, second).outgoing]

    assert signals(clock.now) == ["signals"]
    assert signals(NOW) == ["signals"]


def test_a_strategy_remembers_while_the_clock_only_runs_on() -> None:
    made: list[Eager] = []

    def make() -> Eager:
        made.append(Eager())
        return made[-1]

    clock = SettableClock()
    handler = watching(clock, make)
    for after_s in (0, 1, 3600):
        clock.now = NOW + after_s * SECOND
        handle(handler, a_trade(ts_event=clock.now, ts_init=clock.now, trade_id=after_s + 1))
    assert sorted(len(one.shown) for one in made) == [0, 3]


@pytest.mark.parametrize(
    ("event_s", "init_s", "letters", "early"), [(6, 0, 1, 0), (6, 6, 0, 1), (3600, 3600, 0, 1), (5, 5, 0, 0)]
)
def test_a_trade_from_the_future_is_a_letter_unless_its_writers_clock_is_ahead(
    event_s: int, init_s: int, letters: int, early: int
) -> None:
    """A clock that is ahead makes every trade early: thousands of letters would help nobody."""
    strategy = Eager()
    handler = watching(SettableClock(), lambda: strategy)
    outcome = handle(handler, a_trade(ts_event=NOW + event_s * SECOND, ts_init=NOW + init_s * SECOND))
    assert (len(outcome.dead), len(outcome.early)) == (letters, early)
    assert bool(strategy.shown) is not bool(letters or early)
