"""What cdb_core does with trades, whatever its strategies are."""

import time
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import ClassVar

import pytest

from cdb.kit.ending import Ended
from services.bus.entries import Entry
from services.bus.streams import RedisBus
from services.clock import MOST_AHEAD_NS, Clock, EventClock, WallClock
from services.core.handlers import CoreHandler
from services.core.strategies.momentum_v1 import Momentum, MomentumSettings
from services.core.strategies.port import Opinion, Strategy
from services.messages import MarketData, Signal, encode
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Outcome, Received
from services.settings import Settings
from services.topology import MARKET_DATA, SIGNALS
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


def a_handler(
    *strategies: Eager, clock: Clock | None = None, held: Callable[[], Collection[str]] = frozenset
) -> CoreHandler:
    makers = [lambda one=one: one for one in strategies]
    symbols = frozenset({"BTCUSDT"})
    return CoreHandler(makers, symbols=symbols, clock=clock or EventClock(), faults=Faults(), held=held)


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


class FinishedEntries(RedisBus):
    """A bus of which only what this group has finished matters."""

    def __init__(self, *entries: Entry) -> None:
        self._entries = list(entries)

    def newest_finished(self, stream: str, *, count: int) -> list[Entry]:
        return self._entries


def an_entry(trade: MarketData, *, put_ns: int | None = None) -> Entry:
    """*trade* as it was put on the bus, by default when it happened."""
    put_ms = (trade.ts_event if put_ns is None else put_ns) // 1_000_000
    return Entry(MARKET_DATA, f"{put_ms}-{trade.trade_id}", encode(trade), None)


HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("ahead_ns", "ago_ns", "taken"),
    [
        (6 * HOUR, SECOND, False),  # from the future still
        (6 * HOUR, 7 * HOUR, False),  # its time has come meanwhile, which makes it no better
        (MOST_AHEAD_NS + SECOND, 2 * MOST_AHEAD_NS, False),
        (MOST_AHEAD_NS - SECOND, SECOND, True),  # as far as clocks may differ
    ],
)
def test_rebuilding_leaves_out_what_came_from_the_future(ahead_ns: int, ago_ns: int, taken: bool) -> None:
    """It was put aside when it came; taken in now, it would make every true trade old news."""
    put_ns = time.time_ns() - ago_ns
    early = a_trade(ts_event=put_ns + ahead_ns, trade_id=7)
    strategy = Eager()
    handler = a_handler(strategy, clock=WallClock())
    handler.rebuild(FinishedEntries(an_entry(early, put_ns=put_ns)))
    assert strategy.shown == ([early] if taken else [])
    now = a_trade(ts_event=time.time_ns() + (MOST_AHEAD_NS if taken else 0), trade_id=8)
    assert [item.stream for item in handle(handler, now).outgoing] == [SIGNALS]


def test_rebuilding_leaves_out_what_is_no_trade_of_a_symbol_that_is_watched() -> None:
    strategy = Eager()
    handler = a_handler(strategy)
    good = a_trade(trade_id=2)
    garbage = Entry(MARKET_DATA, "1-1", b"\xff{", None)
    handler.rebuild(FinishedEntries(garbage, an_entry(a_trade(symbol="EVILUSDT")), an_entry(good)))
    assert strategy.shown == [good]


class Choosy(Eager):
    """A strategy that fails at one trade."""

    name: ClassVar[str] = "choosy_v1"

    def update(self, trade: MarketData) -> Opinion | None:
        if trade.trade_id == 2:
            raise ZeroDivisionError
        return super().update(trade)


def test_a_trade_at_which_a_strategy_fails_ends_neither_handling_nor_rebuilding() -> None:
    """Handling puts it aside and goes on, so a restart must not end at it for ever."""
    trades = [a_trade(trade_id=number) for number in (1, 2, 3)]
    handled, rebuilt = Choosy(), Choosy()
    outcome = handle(a_handler(handled), *trades)
    assert [(letter.reason, letter.detail) for letter in outcome.dead] == [
        ("handler", "choosy_v1 failed: ZeroDivisionError: ")
    ]
    assert outcome.failed == []
    a_handler(rebuilt).rebuild(FinishedEntries(*map(an_entry, trades)))
    assert rebuilt.shown == handled.shown == [trades[0], trades[2]]


class Leaving(Eager):
    """A strategy that ends the program."""

    def __init__(self, ending: BaseException) -> None:
        super().__init__()
        self.ending = ending

    def update(self, trade: MarketData) -> Opinion | None:
        raise self.ending


def test_a_strategy_that_calls_sys_exit_has_failed_and_ends_nothing() -> None:
    handler = a_handler(Leaving(SystemExit(0)))
    outcome = handle(handler, a_trade())
    assert [letter.detail for letter in outcome.dead] == ["eager_v1 failed: RuntimeError: it called sys.exit(0)"]
    handler.rebuild(FinishedEntries(an_entry(a_trade(trade_id=2))))


@pytest.mark.parametrize("ending", [Ended(143), KeyboardInterrupt()])
def test_a_signal_that_comes_while_a_strategy_works_still_ends_the_program(ending: BaseException) -> None:
    with pytest.raises(type(ending)):
        handle(a_handler(Leaving(ending)), a_trade())


class Fickle(Eager):
    """A strategy that buys on even trades and sells on odd ones."""

    name: ClassVar[str] = "fickle_v1"

    def update(self, trade: MarketData) -> Opinion | None:
        return Opinion("SELL" if trade.trade_id % 2 else "BUY", Decimal(1), Decimal(0))


def test_a_symbol_that_is_held_but_no_longer_traded_is_watched_and_only_sold() -> None:
    held: set[str] = set()
    handler = a_handler(Fickle(), held=lambda: held)
    trades = [a_trade(symbol="ETHUSDT", trade_id=number) for number in (1, 2, 3)]
    assert [letter.reason for letter in handle(handler, trades[0]).dead] == ["unknown_symbol"]
    held.add("ETHUSDT")
    outcome = handle(handler, *trades)
    assert outcome.dead == []
    signals = [item.message for item in outcome.outgoing if isinstance(item.message, Signal)]
    assert [(one.symbol, one.side, one.trade_id) for one in signals] == [("ETHUSDT", "SELL", 1), ("ETHUSDT", "SELL", 3)]
    held.clear()  # it is closed: what is still on the bus is no garbage
    assert handle(handler, a_trade(symbol="ETHUSDT", trade_id=4)).dead == []


def test_rebuilding_remembers_a_symbol_that_is_held_but_no_longer_traded() -> None:
    strategies = [Eager(), Eager()]  # of BTCUSDT, of ETHUSDT
    makers = iter(strategies)
    handler = CoreHandler(
        [lambda: next(makers)],
        symbols=frozenset({"BTCUSDT"}),
        clock=EventClock(),
        faults=Faults(),
        held=lambda: ["ETHUSDT"],
    )
    trade = a_trade(symbol="ETHUSDT")
    handler.rebuild(FinishedEntries(an_entry(trade)))
    assert [one.shown for one in strategies] == [[], [trade]]


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
