"""Plays random deals on a market, from a seed: many in one millisecond, some of them equal in everything."""

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from tests.exchange.market import NS_PER_S, Market, Taker

SAME_AGAIN: Final = 0.1
"""How likely a deal of a burst equals the one before it in price, quantity, side and time."""
STEP_S: Final = 0.01
LARGEST_BURST: Final = 4


class Tape:
    """Each symbol's price is a random walk. *rate* is deals per second of all symbols together."""

    def __init__(self, market: Market, *, seed: int = 1, rate: float = 20.0, symbols: Sequence[str] = ()) -> None:
        self.market = market
        self.rate = rate
        self._symbols = tuple(symbols or market.listings)
        self._random = random.Random(seed)  # noqa: S311  no secret
        self._ticks = {symbol: self._random.randint(1_000, 6_000_000) for symbol in self._symbols}

    def play(self, count: int, *, time_ns: int | None = None) -> None:
        """Let about *count* deals happen now (or at *time_ns*), in bursts that have one symbol and time each."""
        symbols = [symbol for symbol in self._symbols if self.market.is_trading(symbol)]
        while count > 0 and symbols:
            size = min(count, self._random.randint(1, LARGEST_BURST))
            self._burst(self._random.choice(symbols), size, time_ns)
            count -= size

    def play_past(self, seconds: float, count: int) -> None:
        """Let *count* deals have happened during the last *seconds*; call it before any other deal."""
        now = self.market.now_ns()
        for played in range(count):
            self.play(1, time_ns=now - int(seconds * NS_PER_S * (count - played) / count))

    async def run(self) -> None:
        """Play at the rate until cancelled; a change of the rate counts from the next step on."""
        loop = asyncio.get_running_loop()
        last, owed = loop.time(), 0.0
        while True:
            await asyncio.sleep(STEP_S)
            now = loop.time()
            owed += (now - last) * self.rate
            last = now
            self.play(int(owed))
            owed -= int(owed)

    def _burst(self, symbol: str, size: int, time_ns: int | None) -> None:
        when = self.market.now_ns() if time_ns is None else time_ns
        price, quantity, taker = self._values(symbol)
        for _ in range(size):
            self.market.trade(symbol, price, quantity, taker, time_ns=when)
            if self._random.random() > SAME_AGAIN:
                price, quantity, taker = self._values(symbol)

    def _values(self, symbol: str) -> tuple[Decimal, Decimal, Taker]:
        listing, draw = self.market.listings[symbol], self._random.random
        ticks = self._ticks[symbol]
        ticks = self._ticks[symbol] = max(100, ticks + int((draw() - 0.5) * ticks * 0.0005 + (draw() - 0.5) * 4))
        quantity = 1 + int(draw() ** 4 * 100_000)
        taker: Taker = "BUY" if draw() < 0.5 else "SELL"
        return Decimal(ticks).scaleb(-listing.price_places), Decimal(quantity).scaleb(-listing.quantity_places), taker
