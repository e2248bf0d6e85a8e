"""A simulated market: waves of rising and falling prices, with calm between them, from a seed. Pure: no clock, no I/O.

A wave takes some of the symbols up, one after the other, lets them rest and takes them down again to near where they
were. So there is something to do for a strategy that follows momentum, its exposure comes and goes, and no price runs
away over days. Now and then a symbol slides down too slowly for such a strategy to notice, until a stop loss does.

How far prices rise decides what following them earns: an *even rise* just pays for noticing it late, noticing the fall
late, and the venue. Rises are spread around that, and lean against what they have been worth so far: after a slide they
are somewhat longer, after many long ones shorter. So an account neither grows nor melts fast (bench/simulated_days.py
shows it; a strategy, a venue or limits other than the defaults find other conditions).
"""

import math
import random
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from services.clock import NANOSECONDS
from services.messages import Side
from services.ws.trades import RawTrade

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
LAGS: Final = 2.5
"""How many trades of a symbol go by, in buying and selling, between a price and what can be done about it."""
LONGEST_LAG_S: Final = 2.0
"""Where trades are rarer than that, following them is no strategy anyhow."""
_DIGITS: Final = 6


@dataclass(frozen=True, kw_only=True)
class MarketSettings:
    """Moves as shares of the price, times in seconds, paces as shares per second, notional in the quote asset."""

    trades_per_second: float = 20.0
    median_notional: float = 1_500.0
    noise: float = 0.0002

    first_wave_s: float = 4.0
    shortest_pause_s: float = 40.0
    longest_pause_s: float = 110.0
    narrowest_wave: float = 0.35
    joining_s: float = 20.0
    shortest_rest_s: float = 4.0
    longest_rest_s: float = 20.0

    even_rise: float = 0.00865
    rise_spread: float = 0.0035
    smallest_move: float = 0.0055
    slowest_pace: float = 0.0010
    fastest_pace: float = 0.0014
    wander: float = 0.0015

    slide_share: float = 0.07
    slide: float = 0.019
    slide_pace: float = 0.0005
    slide_loss: float = 0.0205


class _Leg(NamedTuple):
    """A part of a symbol's way: it is at *level* after *seconds*."""

    seconds: float
    level: float


@dataclass
class _Symbol:
    """Where a symbol is (level: the logarithm of its price over its base) and which way it has before it."""

    name: str
    base: float
    level: float = 0.0
    pace: float = 0.0
    now_s: float = 0.0
    turns_at_s: float = math.inf
    legs: deque[_Leg] = field(default_factory=deque)

    def set_out(self, legs: list[_Leg], *, at_s: float) -> None:
        """Begin a new way."""
        self.legs.extend(legs)
        self.turns_at_s = at_s

    def advance(self, now_s: float) -> None:
        """Go on to *now_s*."""
        while self.turns_at_s <= now_s:
            self._move_to(self.turns_at_s)
            if self.legs:
                leg = self.legs.popleft()
                self.pace = (leg.level - self.level) / leg.seconds
                self.turns_at_s += leg.seconds
            else:
                self.pace = 0.0
                self.turns_at_s = math.inf
        self._move_to(now_s)

    def is_at_rest(self) -> bool:
        """Whether there is no way before the symbol."""
        return self.turns_at_s == math.inf

    def _move_to(self, now_s: float) -> None:
        self.level += self.pace * (now_s - self.now_s)
        self.now_s = now_s


class Market:
    """Gives one trade after the other; times rise from 0 in seconds."""

    def __init__(self, symbols: tuple[str, ...], settings: MarketSettings, *, seed: int) -> None:
        self._settings = settings
        self._random = random.Random(seed)  # noqa: S311  a market, not a secret
        self._symbols: list[_Symbol] = []
        self._by_name: dict[str, _Symbol] = {}
        self._now_s = 0.0
        self.add(symbols)
        mean_pace = (settings.slowest_pace + settings.fastest_pace) / 2
        seconds_between_trades = min(LONGEST_LAG_S, len(symbols) / settings.trades_per_second)
        self._even_rise = settings.even_rise + LAGS * mean_pace * seconds_between_trades
        self._surplus = 0.0
        self._next_wave_s = settings.first_wave_s
        self._breadth = 1.0

    def add(self, names: Collection[str]) -> None:
        """Let more symbols join, at rest."""
        for name in names:
            symbol = _Symbol(name, BASE_PRICES.get(name, OTHER_BASE_PRICE), now_s=self._now_s)
            self._symbols.append(symbol)
            self._by_name[name] = symbol

    def start_from(self, prices: Mapping[str, Decimal]) -> None:
        """Go on from the prices that were seen last, so that a restart is no jump."""
        for name, price in prices.items():
            if (symbol := self._by_name.get(name)) is not None:
                symbol.base = float(price) / math.exp(symbol.level)

    def shock(self, name: str, share: float) -> None:
        """Move one symbol's price at once, and for good, by *share* (-0.1 is ten percent down)."""
        self._by_name[name].base *= 1 + share

    def next_trade(self, *, trade_id: int, start_ns: int) -> RawTrade:
        """The next trade; its time is *start_ns* plus what has passed in the simulation."""
        self._now_s += self._random.expovariate(self._settings.trades_per_second)
        while self._next_wave_s <= self._now_s:
            self._begin_wave(self._next_wave_s)
        symbol = self._random.choice(self._symbols)
        symbol.advance(self._now_s)
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

    @property
    def now_s(self) -> float:
        """Seconds since the start, at the last trade."""
        return self._now_s

    def _begin_wave(self, at_s: float) -> None:
        """Send symbols on their way; the first wave takes all of them, so that a demo begins with everything."""
        for symbol in self._symbols:
            symbol.advance(at_s)
        resting = [symbol for symbol in self._symbols if symbol.is_at_rest()]
        joining = self._random.sample(resting, min(len(resting), math.ceil(self._breadth * len(self._symbols))))
        correction = self._surplus / (2 * len(joining)) if joining else 0.0
        sizes = self._random.sample(range(len(joining)), len(joining))
        for place, (symbol, size) in enumerate(zip(joining, sizes, strict=True)):
            wait_s = self._settings.joining_s * (place + self._random.random()) / len(joining)
            spread = 2 * (size + self._random.random()) / len(joining) - 1
            slides = place == 0 and self._random.random() < self._settings.slide_share
            symbol.set_out(self._way(symbol, spread, correction, slides=slides), at_s=at_s + wait_s)
        self._breadth = self._random.uniform(self._settings.narrowest_wave, 1)
        self._next_wave_s += self._random.uniform(self._settings.shortest_pause_s, self._settings.longest_pause_s)

    def _way(self, symbol: _Symbol, spread: float, correction: float, *, slides: bool) -> list[_Leg]:
        """Up, rest and down for one symbol; *spread*, from -1 to 1, says how far up."""
        settings = self._settings
        rise = max(settings.smallest_move, self._even_rise + spread * settings.rise_spread - correction)
        top = symbol.level + rise
        way = [
            _Leg(rise / self._pace(), top),
            _Leg(self._random.uniform(settings.shortest_rest_s, settings.longest_rest_s), top),
        ]
        if slides:
            self._surplus -= settings.slide_loss
            bottom = symbol.level - settings.slide
            return [
                *way,
                _Leg((top - bottom) / settings.slide_pace, bottom),
                _Leg(settings.slide / settings.slide_pace, symbol.level),
            ]
        self._surplus += rise - self._even_rise
        low = min(self._random.gauss(0, settings.wander), top - settings.smallest_move)
        return [*way, _Leg((top - low) / self._pace(), low)]

    def _pace(self) -> float:
        return self._random.uniform(self._settings.slowest_pace, self._settings.fastest_pace)

    def _side(self, symbol: _Symbol) -> Side:
        lean = 0.7 if symbol.pace > 0 else 0.3 if symbol.pace < 0 else 0.5
        return "BUY" if self._random.random() < lean else "SELL"


def _rounded(value: float) -> Decimal:
    """*value* with six significant digits, as exchanges quote."""
    decimals = max(0, min(12, _DIGITS - 1 - math.floor(math.log10(value))))
    return Decimal(f"{value:.{decimals}f}")
