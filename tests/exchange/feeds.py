"""A feed of ours beside a stand-in, in one event loop, and whether it has given what the exchange would still give."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from typing import Final

from services.messages import MarketData
from services.ws.exchange.clock import ExchangeClock
from services.ws.exchange.connection import Timing
from services.ws.exchange.feed import Feed
from services.ws.exchange.protocol import Exchange
from services.ws.sources.binance import Binance
from services.ws.sources.mexc import Mexc
from services.ws.trades import RawTrade
from tests.exchange.binance import BinanceServer
from tests.exchange.faults import Faults
from tests.exchange.market import Market
from tests.exchange.mexc import MexcServer
from tests.exchange.server import ExchangeServer
from tests.exchange.tape import Tape

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
QUICK: Final = Timing(
    opening_s=1.5,
    confirming_s=1.5,
    ping_every_s=0.3,
    silence_s=0.5,
    symbol_silence_least_s=0.4,
    symbol_silence_most_s=1.0,
    compare_every_s=0.4,
    refused_again_s=0.3,
    watch_every_s=0.05,
    hold_s=0.2,
    ask_again_s=0.1,
    measure_again_s=0.5,
    list_again_s=0.5,
    overdue_s=0.3,
    longest_pause_s=0.5,
)
"""Everything ten to a hundred times as quick as on a real market."""
Key = tuple[int, Decimal, Decimal, str]


@dataclass(frozen=True)
class Kind:
    """An exchange: our side of it, and the stand-in."""

    exchange: type[Exchange]
    server: type[MexcServer] | type[BinanceServer]


KINDS: Final = {"mexc": Kind(Mexc, MexcServer), "binance": Kind(Binance, BinanceServer)}


@dataclass
class Run:
    """One market, one stand-in and one feed."""

    kind: Kind
    market: Market
    tape: Tape
    server: ExchangeServer
    given: list[RawTrade] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    before: Sequence[MarketData] = ()

    @classmethod
    def new(
        cls,
        name: str,
        *,
        seed: int = 1,
        rate: float = 100.0,
        skew_s: float = 0.0,
        symbols: Sequence[str] = SYMBOLS,
        deflate: bool = False,
    ) -> "Run":
        kind = KINDS[name]
        market = Market(symbols, skew_s=skew_s)
        tape = Tape(market, seed=seed, rate=rate)
        tape.play_past(60.0, 50)
        return cls(kind, market, tape, kind.server(market, Faults(), deflate=deflate))

    def exchange(self, *, ws_url: str = "") -> Exchange:
        """Our side of the stand-in."""
        return self.kind.exchange(ws_url or self.server.ws_url, self.server.rest_url)

    def feed(self, timing: Timing = QUICK, *, ws_url: str = "") -> Feed:
        feed = Feed(
            self.exchange(ws_url=ws_url),
            ExchangeClock(),
            give=self.given.extend,
            tell_state=self.states.append,
            timing=timing,
        )
        feed.remember(self.before)
        return feed

    def after_restart(self) -> "Run":
        """The same market and stand-in; what was given is on the bus, and a new feed begins."""
        name = self.kind.exchange.name
        before = [
            MarketData(
                ts_event=one.ts_event, ts_init=one.ts_event, symbol=one.symbol, trade_id=one.trade_id, side=one.side,
                price=one.price, quantity=one.quantity, source=name, feed=1, sequence=1,
            )
            for one in self.given
        ]  # fmt: skip
        return replace(self, given=[*self.given], states=[], before=before)

    def missing(self, symbol: str) -> Counter[Key]:
        """What happened and was not given."""
        return self._happened(symbol) - self._given(symbol)

    def surplus(self, symbol: str) -> Counter[Key]:
        """What was given and did not happen, or not so often."""
        return self._given(symbol) - self._happened(symbol)

    def disorder(self, symbol: str) -> list[tuple[int, int]]:
        """Trade ids, of those that are not late, that do not rise."""
        ids = [trade.trade_id for trade in self.given if trade.symbol == symbol and not trade.late]
        return [(before, after) for before, after in pairwise(ids) if after <= before]

    def wrong(self, symbol: str) -> str:
        """What is not as it should be; empty if all is."""
        missing, surplus, disorder = self.missing(symbol), self.surplus(symbol), self.disorder(symbol)
        if not (missing or surplus or disorder):
            return ""
        return f"{symbol}: {missing.total()} missing, {surplus.total()} too many, {len(disorder)} out of order"

    def _happened(self, symbol: str) -> Counter[Key]:
        return Counter((one.time_ns // 10**6, one.price, one.quantity, one.taker) for one in self.market.deals(symbol))

    def _given(self, symbol: str) -> Counter[Key]:
        return Counter(
            (self._told_ms(trade), trade.price, trade.quantity, trade.side)
            for trade in self.given
            if trade.symbol == symbol
        )

    def _told_ms(self, trade: RawTrade) -> int:
        if not self.kind.exchange.has_ids:
            return trade.trade_id >> 20
        deals = self.market.listings[trade.symbol].deals
        return deals[trade.trade_id - deals[0].id].time_ns // 10**6


@asynccontextmanager
async def running_feed(run: Run, symbols: Sequence[str] = SYMBOLS, timing: Timing = QUICK) -> AsyncIterator[Feed]:
    """Start the stand-in, its tape and a feed; stop all at the end."""
    await run.server.start()
    feed = run.feed(timing)
    tasks = [asyncio.create_task(run.tape.run()), asyncio.create_task(feed.run(symbols))]
    try:
        yield feed
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await run.server.stop()
        by_themselves = [error for error in ended if not isinstance(error, asyncio.CancelledError)]
        assert not by_themselves, by_themselves


async def settled(run: Run, symbols: Sequence[str] = SYMBOLS) -> str:
    """Let the market rest and say what is wrong with what was given, once nothing more can come."""
    run.tape.rate = 0.0
    await until(lambda: not any(run.missing(symbol) for symbol in symbols), within_s=40)
    await asyncio.sleep(0.5)  # what would come twice
    return "; ".join(wrong for symbol in symbols if (wrong := run.wrong(symbol)))


async def until(holds: Callable[[], bool], *, within_s: float) -> bool:
    """Wait for something to hold; False if it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not holds():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
