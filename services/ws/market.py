"""A simulated market: prices that swing, rest and swing back around a base, from a seed. Pure: no clock, no I/O.

A swing takes a symbol's price by a random share up or down at a steady pace under some noise; then it rests. The
further the price is from its base, the more likely the next swing leads back. So a strategy that follows momentum
finds something to do every minute, earns on long swings, loses on short ones, and no price runs away over days.
"""

import math
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.messages import Side
from services.ws.trades import RawTrade

NANOSECONDS: Final = 1_000_000_000
BASE_PRICES: Final = {
    "BTCUSDT": 64_000.0,
    "ETHUSDT": 3_100.0,
    "SOLUSDT": 145.0,
    "XRPUSDT": 0.52,
    "ADAUSDT": 0.38,
    "DOTUSDT": 5.6,
    "LINKUSDT": 13.4,
    "LTCUSDT": 71.0,
}
OTHER_BASE_PRICE: Final = 100.0
_DIGITS: Final = 6


@dataclass(frozen=True, kw_only=True)
class MarketSettings:
    """Swings as shares of the price, times in seconds, notional of a trade in the quote asset."""

    trades_per_second: float = 20.0
    smallest_swing: float = 0.006
    largest_swing: float = 0.022
    shortest_swing_s: float = 8.0
    longest_swing_s: float = 20.0
    longest_rest_s: float = 12.0
    pull: float = 40.0
    noise: float = 0.0002
    median_notional: float = 1_500.0


@dataclass
class _Symbol:
    name: str
    base: float
    level: float
    pace: float = 0.0
    turns_at_s: float = 0.0
    now_s: float = 0.0
    resting: bool = False


class Market:
    """Gives one trade after the other; times rise from 0 in seconds."""

    def __init__(self, symbols: tuple[str, ...], settings: MarketSettings, *, seed: int) -> None:
        self._settings = settings
        self._random = random.Random(seed)  # noqa: S311  a market, not a secret
        self._symbols = [_Symbol(name, BASE_PRICES.get(name, OTHER_BASE_PRICE), 0.0) for name in symbols]
        self._by_name = {symbol.name: symbol for symbol in self._symbols}
        for symbol in self._symbols:
            symbol.turns_at_s = self._random.uniform(0, settings.longest_rest_s / 2)
        self._now_s = 0.0

    def start_from(self, prices: dict[str, Decimal]) -> None:
        """Go on from the prices that were seen last, so that a restart is no jump."""
        for name, price in prices.items():
            if (symbol := self._by_name.get(name)) is not None:
                symbol.level = math.log(float(price) / symbol.base)

    def shock(self, name: str, share: float) -> None:
        """Move one symbol's price at once by *share* (-0.1 is ten percent down)."""
        self._by_name[name].level += math.log1p(share)

    def next_trade(self, *, trade_id: int, start_ns: int) -> RawTrade:
        """Return the next trade; its time is *start_ns* plus what has passed in the simulation."""
        self._now_s += self._random.expovariate(self._settings.trades_per_second)
        symbol = self._random.choice(self._symbols)
        self._advance(symbol)
        price = symbol.base * math.exp(symbol.level + self._random.gauss(0, self._settings.noise))
        notional = self._settings.median_notional * math.exp(self._random.gauss(0, 0.8))
        return RawTrade(
            symbol=symbol.name,
            trade_id=trade_id,
            side=self._side(symbol),
            price=_rounded(price),
            quantity=_rounded(notional / price),
            ts_event=start_ns + int(self._now_s * NANOSECONDS),
        )

    def skip_to(self, seconds: float) -> None:
        """Let time pass without trades, up to *seconds* since the start."""
        self._now_s = max(self._now_s, seconds)

    @property
    def now_s(self) -> float:
        """Seconds since the start, at the last trade."""
        return self._now_s

    def _advance(self, symbol: _Symbol) -> None:
        while symbol.turns_at_s <= self._now_s:
            symbol.level += symbol.pace * (symbol.turns_at_s - symbol.now_s)
            symbol.now_s = symbol.turns_at_s
            self._turn(symbol)
        symbol.level += symbol.pace * (self._now_s - symbol.now_s)
        symbol.now_s = self._now_s

    def _turn(self, symbol: _Symbol) -> None:
        settings = self._settings
        symbol.resting = not symbol.resting
        if symbol.resting:
            symbol.pace = 0.0
            symbol.turns_at_s += self._random.uniform(1.0, settings.longest_rest_s)
            return
        size = self._random.uniform(settings.smallest_swing, settings.largest_swing)
        duration_s = self._random.uniform(settings.shortest_swing_s, settings.longest_swing_s)
        up = self._random.random() < 1 / (1 + math.exp(settings.pull * symbol.level))
        symbol.pace = (size if up else -size) / duration_s
        symbol.turns_at_s += duration_s

    def _side(self, symbol: _Symbol) -> Side:
        lean = 0.7 if symbol.pace > 0 else 0.3 if symbol.pace < 0 else 0.5
        return "BUY" if self._random.random() < lean else "SELL"


def _rounded(value: float) -> Decimal:
    """Return *value* with six significant digits, as exchanges quote."""
    decimals = max(0, min(12, _DIGITS - 1 - math.floor(math.log10(value))))
    return Decimal(f"{value:.{decimals}f}")
