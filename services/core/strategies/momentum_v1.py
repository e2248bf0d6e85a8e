"""Strategy momentum_v1: follow a price that has moved far enough, on enough volume, within a short time.

For one symbol: momentum is the price against the oldest one of the look-back, as a share. A signal is given when it
reaches the threshold, up (BUY) or down (SELL), while the notional traded in the look-back is at least the minimum, and
no signal was given during the cool-down. Strength is 0.5 at the threshold and 1 from twice the threshold on.
Time is the trades' own.
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Final

from pydantic import Field

from services.clock import NANOSECONDS
from services.core.strategies.port import Opinion, Strategy
from services.core.window import Window
from services.messages import MarketData
from services.settings import Fraction, PositiveSeconds, Settings
from services.volatility import Volatility

_TWO_DECIMALS: Final = Decimal("0.01")


class MomentumSettings(Settings):
    """Times in seconds, threshold as a share (0.004 is 0.4 %), volume as notional in the quote asset."""

    lookback_s: PositiveSeconds = Field(default=5.0, validation_alias="MOMENTUM_LOOKBACK_S")
    threshold: Fraction = Field(
        default=Decimal("0.004"), validation_alias="MOMENTUM_THRESHOLD_PCT", description="a fraction: 0.004 is 0.4 %"
    )
    minimum_volume: Annotated[Decimal, Field(ge=0, le=Decimal("1e12"), allow_inf_nan=False)] = Field(
        default=Decimal(1000), validation_alias="MOMENTUM_MIN_VOLUME"
    )
    cooldown_s: PositiveSeconds = Field(default=4.0, validation_alias="MOMENTUM_COOLDOWN_S")


class Momentum:
    """The strategy's memory of one symbol."""

    name: ClassVar[str] = "momentum_v1"
    indicators: ClassVar[tuple[str, ...]] = ("momentum", "volume")
    settings: ClassVar[type[Settings]] = MomentumSettings

    def __init__(self, settings: MomentumSettings) -> None:
        self._settings = settings
        self._lookback_ns = int(settings.lookback_s * NANOSECONDS)
        self._cooldown_ns = int(settings.cooldown_s * NANOSECONDS)
        self._window = Window(tuple[int, Decimal, Decimal])
        self._volume = Decimal(0)
        self._volatility = Volatility()
        self._quiet_until_ns = 0

    def update(self, trade: MarketData) -> Opinion | None:
        """Take in the next trade; an opinion if the momentum has reached the threshold."""
        self.take_in(trade.ts_event, trade.price, trade.quantity)
        if trade.ts_event < self._quiet_until_ns or self._volume < self._settings.minimum_volume:
            return None
        return self._opinion(trade.ts_event, self.momentum())

    def take_in(self, ts_event: int, price: Decimal, quantity: Decimal) -> None:
        """Take in the next trade, whatever it gives rise to."""
        notional = price * quantity
        self._window.append((ts_event, price, notional))
        self._volume += notional
        self._volatility.update(price)
        oldest_allowed = ts_event - self._lookback_ns
        while self._window.oldest[0] < oldest_allowed:
            self._volume -= self._window.popleft()[2]

    def momentum(self) -> Decimal:
        """The newest price against the oldest one of the look-back, as a share."""
        return self._window.newest[1] / self._window.oldest[1] - 1

    def _opinion(self, now_ns: int, momentum: Decimal) -> Opinion | None:
        size = abs(momentum)
        if size < self._settings.threshold:
            return None
        self._quiet_until_ns = now_ns + self._cooldown_ns
        strength = min(Decimal(1), size / (2 * self._settings.threshold)).quantize(_TWO_DECIMALS)
        return Opinion("BUY" if momentum > 0 else "SELL", strength, self._volatility.value())


STRATEGY: Final[type[Strategy]] = Momentum
