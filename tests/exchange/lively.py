"""Plays our own simulated market on a stand-in's: prices with swings that strategies find."""

import asyncio
from typing import Final

from services.ws.simulated_market import Market as SimulatedMarket
from services.ws.simulated_market import MarketSettings
from services.ws.trades import RawTrade
from tests.exchange.market import Market

STEP_S: Final = 0.01


class LivelyTape:
    """*rate* is deals per second of all symbols together, *pace* how many times faster than usual prices swing."""

    def __init__(self, market: Market, *, seed: int, rate: float, pace: float = 1.0) -> None:
        self._market = market
        self._pace = pace
        settings = MarketSettings(trades_per_second=rate / pace)
        self._simulated = SimulatedMarket(tuple(market.listings), settings, seed=seed)
        self._next: RawTrade | None = None

    def play_past(self, seconds: float) -> None:
        """Let the last *seconds* have happened; call it before any other deal."""
        self._play(until_s=seconds, began_ns=self._market.now_ns() - int(seconds * 1e9))

    async def run(self) -> None:
        """Play until cancelled."""
        began_ns = self._market.now_ns() - int(self._simulated.now_s * 1e9 / self._pace)
        while True:
            await asyncio.sleep(STEP_S)
            self._play(until_s=(self._market.now_ns() - began_ns) / 1e9, began_ns=began_ns)

    def _play(self, *, until_s: float, began_ns: int) -> None:
        while True:
            trade = self._next = self._next or self._simulated.next_trade(trade_id=1, start_ns=0)
            if trade.ts_event > until_s * self._pace * 1e9:  # it is still to come
                return
            self._next = None
            time_ns = began_ns + int(trade.ts_event / self._pace)
            if self._market.is_trading(trade.symbol):
                self._market.trade(trade.symbol, trade.price, trade.quantity, trade.side, time_ns=time_ns)
