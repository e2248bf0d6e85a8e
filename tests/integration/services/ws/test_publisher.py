"""The feed's loop on a real Redis: what it says of itself while the bus takes nothing."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
import redis

from services.bus.held import HeldSymbols
from services.clock import WallClock
from services.messages import MarketData, decode
from services.runtime.loop_state import LoopState
from services.topology import MARKET_DATA
from services.ws.publisher import Publisher
from services.ws.sources.port import Source
from services.ws.trades import RawTrade, Refusal, TradeCheck
from telemetry.setup import get_metrics
from tests.integration.services.consumer_thread import bus_of, disk_error, left, out_of_memory
from tests.support.servers import Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration
SYMBOL: Final = "BTCUSDT"


class Quoting(Source):
    """A source with a trade of each symbol that it is asked for, each time."""

    name = "simulated"
    may_lose = True

    def __init__(self, *symbols: str) -> None:
        self.symbols = set(symbols)
        self._trade_id = 0

    def also(self, symbols: Collection[str]) -> None:
        self.symbols |= set(symbols)

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        stop.wait(0.01)
        self._trade_id += 1
        return [
            RawTrade(symbol, self._trade_id, "BUY", Decimal(100), Decimal(1), time.time_ns()) for symbol in self.symbols
        ]


class SlowFeed(Source):
    """A source with a trade now and then: when a test asks for one."""

    name = "simulated"
    may_lose = True

    def __init__(self) -> None:
        self.rounds = 0
        self._trade_id = 0
        self._asked = threading.Event()

    def trade(self) -> None:
        """Have one trade come next."""
        self._asked.set()

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Wait a moment; return the trade that was asked for, if any."""
        self.rounds += 1
        if not self._asked.wait(0.01):
            return []
        self._asked.clear()
        self._trade_id += 1
        return [RawTrade(SYMBOL, self._trade_id, "BUY", Decimal(100), Decimal(1), time.time_ns())]


@pytest.mark.parametrize("refusing", [out_of_memory, disk_error])
def test_a_feed_that_could_not_write_is_unhealthy_until_the_bus_takes_messages_again(
    servers: Servers, bus_client: redis.Redis, refusing: Callable[[redis.Redis], AbstractContextManager[None]]
) -> None:
    """Between two trades nothing is written, and a Redis that is full answers a ping: neither is a recovery."""
    source, state = SlowFeed(), LoopState()
    seen: set[str] = set()

    def looked_at() -> int:
        seen.add((state.problem() or "").partition(":")[0])
        return source.rounds

    with servers.redis() as client:
        clock = WallClock()
        publisher = Publisher(bus_of(client), source, TradeCheck({SYMBOL}, clock), state, clock=clock)
        thread = threading.Thread(target=publisher.run, daemon=True)
        thread.start()
        try:
            source.trade()
            until(lambda: left(bus_client, MARKET_DATA), what="a trade on the bus")
            with refusing(bus_client):
                source.trade()
                until(lambda: publisher.status.dropped, what="a trade that is dropped")
                enough = source.rounds + 50
                until(looked_at, holds=lambda now: now >= enough, every_s=0.01, what="fifty rounds without a trade")
                assert seen == {"waiting for Redis"}
            until(state.problem, holds=lambda problem: problem is None, what="health, without another trade")
        finally:
            state.stop.set()
            thread.join(10)
    assert (publisher.status.published, publisher.status.dropped) == (1, 1)


class Telling(SlowFeed):
    """A source that has looked up one trade of a minute ago, and then has one of now; and that knows more."""

    warning = "REST does not answer"
    not_subscribed = ("XRPUSDT", "ADAUSDT")

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        self.rounds += 1
        if self.rounds > 1:
            stop.wait(0.01)
            return []
        old, now = time.time_ns() - 60 * 10**9, time.time_ns()
        one, other = (RawTrade(SYMBOL, n, "BUY", Decimal(100), Decimal(1), at) for n, at in ((1, old), (2, now)))
        return [msgspec.structs.replace(one, late=True, history=True), other]


def test_history_does_not_count_as_latency_and_what_else_the_source_knows_is_told(
    servers: Servers, bus_client: redis.Redis
) -> None:
    def latencies() -> float:
        lines = get_metrics().decode().splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith("cdb_data_ingestion_latency_seconds_count")
        )

    source, state, before = Telling(), LoopState(), latencies()
    with servers.redis() as client:
        clock = WallClock()
        publisher = Publisher(bus_of(client), source, TradeCheck({SYMBOL}, clock), state, clock=clock)
        thread = threading.Thread(target=publisher.run, daemon=True)
        thread.start()
        try:
            until(lambda: source.rounds > 2, what="a round after the one with trades")
        finally:
            state.stop.set()
            thread.join(10)
    assert publisher.status.published == 2
    assert latencies() - before == 1
    told = publisher.status.as_dict()
    assert (told["warning"], told["not_subscribed"]) == ("REST does not answer", ["ADAUSDT", "XRPUSDT"])


def test_a_symbol_that_is_held_is_quoted_though_nobody_configured_it(servers: Servers, bus_client: redis.Redis) -> None:
    """What is held may be noted before the feed starts, or at any time after."""
    source, state = Quoting(SYMBOL), LoopState()
    HeldSymbols(bus_client).note(["ETHUSDT", SYMBOL])

    def quoted() -> set[str]:
        rows: Any = bus_client.xrange(MARKET_DATA)
        trades = [decode(MARKET_DATA, row[b"data"]) for _, row in rows]
        return {trade.symbol for trade in trades if isinstance(trade, MarketData)}

    with servers.redis() as client:
        clock = WallClock()
        check = TradeCheck({SYMBOL}, clock)
        held = HeldSymbols(client).read
        publisher = Publisher(bus_of(client), source, check, state, clock=clock, held=held)
        thread = threading.Thread(target=publisher.run, daemon=True)
        thread.start()
        try:
            until(quoted, holds=lambda seen: seen == {SYMBOL, "ETHUSDT"}, what="prices of what is held")
            HeldSymbols(bus_client).note(["SOLUSDT"])
            until(quoted, holds=lambda seen: seen == {SYMBOL, "ETHUSDT", "SOLUSDT"}, what="prices of what came to be")
        finally:
            state.stop.set()
            thread.join(10)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b'"ETHUSDT"', b'["' + b"A" * 41 + b'"]'])
def test_a_note_of_what_is_held_that_cannot_be_read_says_nothing(bus_client: redis.Redis, data: bytes) -> None:
    bus_client.set("held", data)
    assert HeldSymbols(bus_client).read() == frozenset()


def test_a_note_of_what_is_held_replaces_whatever_stands_there(bus_client: redis.Redis) -> None:
    bus_client.xadd("held", {"a": "b"})
    held = HeldSymbols(bus_client)
    assert held.read() == frozenset()
    held.note({"ETHUSDT", "BTCUSDT"})
    assert held.read() == {"BTCUSDT", "ETHUSDT"}
