"""Strategy momentum_v1: follow a price that has moved far enough, on enough volume, within a short time.

For one symbol: momentum is the price against the oldest one of the look-back, as a share. A signal is given when it
reaches the threshold, up (BUY) or down (SELL), while the notional traded in the look-back is at least the minimum, and
no signal was given during the cool-down. Strength is 0.5 at the threshold and 1 from twice the threshold on.
Time is the trades' own.
"""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.messages import MarketData, Side, Signal, signal_id
from services.volatility import Volatility

NAME: Final = "momentum_v1"
NANOSECONDS: Final = 1_000_000_000
_TWO_DECIMALS: Final = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class MomentumSettings:
    """Times in seconds, threshold as a share (0.004 is 0.4 %), volume as notional in the quote asset."""

    lookback_s: float = 5.0
    threshold: Decimal = Decimal("0.004")
    minimum_volume: Decimal = Decimal(1000)
    cooldown_s: float = 4.0


@dataclass(frozen=True)
class Opinion:
    """What the strategy thinks of a symbol, from 0 (hardly) to 1 (strongly)."""

    side: Side
    strength: Decimal
    volatility: Decimal


class Momentum:
    """The strategy's memory of one symbol."""

    def __init__(self, settings: MomentumSettings) -> None:
        self._settings = settings
        self._lookback_ns = int(settings.lookback_s * NANOSECONDS)
        self._cooldown_ns = int(settings.cooldown_s * NANOSECONDS)
        self._window: deque[tuple[int, Decimal, Decimal]] = deque()
        self._volume = Decimal(0)
        self._volatility = Volatility()
        self._quiet_until_ns = 0
        self._last = (0, -1)

    def is_news(self, trade: MarketData) -> bool:
        """Tell whether *trade* is later than all before it; anything else was seen already or comes too late."""
        return (trade.ts_event, trade.trade_id) > self._last

    def update(self, trade: MarketData) -> Opinion | None:
        """Take in the next trade and return an opinion, if it gives rise to one."""
        self._last = (trade.ts_event, trade.trade_id)
        notional = trade.price * trade.quantity
        self._window.append((trade.ts_event, trade.price, notional))
        self._volume += notional
        self._volatility.update(trade.price)
        oldest_allowed = trade.ts_event - self._lookback_ns
        while self._window[0][0] < oldest_allowed:
            self._volume -= self._window.popleft()[2]
        return self._opinion(trade.ts_event, trade.price / self._window[0][1] - 1)

    def _opinion(self, now_ns: int, momentum: Decimal) -> Opinion | None:
        size = abs(momentum)
        if size < self._settings.threshold or now_ns < self._quiet_until_ns:
            return None
        if self._volume < self._settings.minimum_volume:
            return None
        self._quiet_until_ns = now_ns + self._cooldown_ns
        strength = min(Decimal(1), size / (2 * self._settings.threshold)).quantize(_TWO_DECIMALS)
        return Opinion("BUY" if momentum > 0 else "SELL", strength, self._volatility.value())


def signal_from(trade: MarketData, opinion: Opinion, *, stream_id: str, now_ns: int) -> Signal:
    """Return the signal that says *opinion*; its id is derived from *trade*, which stands on the bus as *stream_id*."""
    return Signal(
        ts_event=trade.ts_event,
        ts_init=now_ns,
        signal_id=signal_id(trade.symbol, NAME, trade.trade_id),
        symbol=trade.symbol,
        side=opinion.side,
        strategy=NAME,
        strength=opinion.strength,
        price=trade.price,
        volatility=opinion.volatility,
        trade_id=trade.trade_id,
        stream_id=stream_id,
    )
