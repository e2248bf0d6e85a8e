"""What the operator may set for cdb_core."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from services.core.momentum import MomentumSettings
from services.settings import Fraction, Port, PositiveSeconds, ServiceSettings

_USUAL = MomentumSettings()


class CoreSettings(ServiceSettings):
    """Strategy momentum_v1: times in seconds, threshold as a share, volume in the quote asset."""

    port: Port = Field(8001, alias="CDB_CORE_PORT")
    lookback_s: PositiveSeconds = Field(_USUAL.lookback_s, alias="MOMENTUM_LOOKBACK_S")
    threshold: Fraction = Field(_USUAL.threshold, alias="MOMENTUM_THRESHOLD_PCT", description="a share: 0.004 is 0.4 %")
    minimum_volume: Annotated[Decimal, Field(ge=0, le=Decimal("1e12"), allow_inf_nan=False)] = Field(
        _USUAL.minimum_volume, alias="MOMENTUM_MIN_VOLUME"
    )
    cooldown_s: PositiveSeconds = Field(_USUAL.cooldown_s, alias="MOMENTUM_COOLDOWN_S")

    def momentum(self) -> MomentumSettings:
        """Return what the strategy reads."""
        return MomentumSettings(
            lookback_s=self.lookback_s,
            threshold=self.threshold,
            minimum_volume=self.minimum_volume,
            cooldown_s=self.cooldown_s,
        )
