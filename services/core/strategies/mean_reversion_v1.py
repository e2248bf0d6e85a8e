"""Strategy mean_reversion_v1: bet that a price far from its recent mean returns to it.

For one symbol: the z-score is the price's distance from the mean of the look-back's prices, in standard deviations of
those prices (the population's, as in Bollinger bands; every trade counts the same, this one too). BUY when it is
-threshold or less, SELL when it is +threshold or more: the account is never short, so what was bought at the lower band
is sold at the upper one. A strategy does not know what is held; one that sold at the mean would say so all day long.

No opinion while the look-back has too few trades for a deviation to mean anything, while less than the minimum notional
was traded in it, while the distance is a smaller share of the mean than the minimum (in a calm market a z-score is
noise, and a move within the noise does not pay the venue), or during the cool-down after a signal. A flat look-back
has no deviation and gives none. Strength is 0.5 at the threshold and 1 from twice the threshold on. Time is the trades'
own.
"""

import math
from decimal import Decimal
from typing import Annotated, ClassVar, Final

from pydantic import Field

from services.clock import NANOSECONDS
from services.core.strategies.port import Opinion, Strategy
from services.core.window import Window
from services.messages import MAX_DECIMALS, MarketData
from services.settings import Fraction, PositiveSeconds, Settings
from services.volatility import Volatility

_TWO_DECIMALS: Final = Decimal("0.01")


class MeanReversionSettings(Settings):
    """Times in seconds, threshold in standard deviations, distance as a share of the mean, volume as notional."""

    lookback_s: PositiveSeconds = Field(default=60.0, validation_alias="MEAN_REVERSION_LOOKBACK_S")
    threshold: Annotated[Decimal, Field(gt=0, le=100, allow_inf_nan=False)] = Field(
        default=Decimal("1.5"), validation_alias="MEAN_REVERSION_THRESHOLD", description="in standard deviations"
    )
    minimum_distance: Fraction = Field(
        default=Decimal("0.002"),
        validation_alias="MEAN_REVERSION_MIN_DISTANCE_PCT",
        description="a fraction: 0.002 is 0.2 %",
    )
    minimum_trades: Annotated[int, Field(ge=2, le=1_000_000)] = Field(
        default=30, validation_alias="MEAN_REVERSION_MIN_TRADES"
    )
    minimum_volume: Annotated[Decimal, Field(ge=0, le=Decimal("1e12"), allow_inf_nan=False)] = Field(
        default=Decimal(10_000), validation_alias="MEAN_REVERSION_MIN_VOLUME"
    )
    cooldown_s: PositiveSeconds = Field(default=30.0, validation_alias="MEAN_REVERSION_COOLDOWN_S")


class MeanReversion:
    """The strategy's memory of one symbol.

    Prices and their squares are summed as whole numbers of the smallest unit that a price can have. Such sums are
    exact, so after a year they are those of the look-back's trades and of nothing else. Sums of floats drift, and those
    of Decimals too: the square of a price has up to 56 digits, a Decimal 28. After a restart, which knows newer trades
    only, they would differ, and so would opinions.
    """

    name: ClassVar[str] = "mean_reversion_v1"
    indicators: ClassVar[tuple[str, ...]] = ("zscore", "volume")
    settings: ClassVar[type[Settings]] = MeanReversionSettings

    def __init__(self, settings: MeanReversionSettings) -> None:
        self._settings = settings
        self._lookback_ns = int(settings.lookback_s * NANOSECONDS)
        self._cooldown_ns = int(settings.cooldown_s * NANOSECONDS)
        self._threshold = float(settings.threshold)
        self._minimum_distance = float(settings.minimum_distance)
        self._window = Window(tuple[int, Decimal, Decimal])
        self._sum = 0
        self._squares = 0
        self._volume = Decimal(0)
        self._volatility = Volatility()
        self._quiet_until_ns = 0

    def update(self, trade: MarketData) -> Opinion | None:
        """Take in the next trade; an opinion if its price is far enough from the mean."""
        units = _units(trade.price)
        notional = trade.price * trade.quantity
        self._window.append((trade.ts_event, trade.price, notional))
        self._sum += units
        self._squares += units * units
        self._volume += notional
        self._volatility.update(trade.price)
        oldest_allowed = trade.ts_event - self._lookback_ns
        while self._window.oldest[0] < oldest_allowed:
            _, price_gone, notional_gone = self._window.popleft()
            units_gone = _units(price_gone)
            self._sum -= units_gone
            self._squares -= units_gone * units_gone
            self._volume -= notional_gone
        return self._opinion(trade.ts_event, units)

    def _opinion(self, now_ns: int, units: int) -> Opinion | None:
        count, settings = len(self._window), self._settings
        distance = count * units - self._sum  # count times the distance from the mean, as deviation is below
        if now_ns < self._quiet_until_ns or abs(distance) < self._minimum_distance * self._sum:
            return None
        if count < settings.minimum_trades or self._volume < settings.minimum_volume:
            return None
        deviation = math.sqrt(count * self._squares - self._sum * self._sum)
        if not deviation:
            return None
        z_score = distance / deviation
        if abs(z_score) < self._threshold:
            return None
        self._quiet_until_ns = now_ns + self._cooldown_ns
        strength = min(Decimal(1), Decimal(abs(z_score)) / (2 * settings.threshold)).quantize(_TWO_DECIMALS)
        return Opinion("BUY" if z_score < 0 else "SELL", strength, self._volatility.value())


def _units(price: Decimal) -> int:
    return int(price.scaleb(MAX_DECIMALS))


STRATEGY: Final[type[Strategy]] = MeanReversion
