"""What the operator may set for cdb_risk."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from services.risk.rules import Limits
from services.settings import Fraction, LedgerSettings, Port, PositiveSeconds, ServiceSettings

_USUAL = Limits()
_SHARE = "a share: 0.05 means 5 %"


class RiskSettings(ServiceSettings, LedgerSettings):
    """Limits as shares of equity, ages in seconds, money in the quote asset."""

    port: Port = Field(8002, alias="CDB_RISK_PORT")
    opening_cash: Annotated[Decimal, Field(gt=0, le=Decimal("1e12"), allow_inf_nan=False)] = Field(
        Decimal(100_000), alias="CDB_OPENING_CASH"
    )
    max_daily_drawdown: Fraction = Field(_USUAL.max_daily_drawdown, alias="MAX_DAILY_DRAWDOWN_PCT", description=_SHARE)
    max_position: Fraction = Field(_USUAL.max_position, alias="MAX_POSITION_PCT", description=_SHARE)
    max_exposure: Fraction = Field(_USUAL.max_exposure, alias="MAX_EXPOSURE_PCT", description=_SHARE)
    order_size: Fraction = Field(_USUAL.order_size, alias="ORDER_SIZE_PCT", description=_SHARE)
    stop_loss: Fraction = Field(_USUAL.stop_loss, alias="STOP_LOSS_PCT", description=_SHARE)
    max_signal_age_s: PositiveSeconds = Field(_USUAL.max_signal_age_s, alias="MAX_SIGNAL_AGE_S")
    max_price_age_s: PositiveSeconds = Field(_USUAL.max_price_age_s, alias="MAX_PRICE_AGE_S")
    max_held_price_age_s: PositiveSeconds = Field(_USUAL.max_held_price_age_s, alias="MAX_HELD_PRICE_AGE_S")
    max_orders_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        _USUAL.max_orders_per_minute, alias="MAX_ORDERS_PER_MINUTE"
    )
    lockstep: bool = Field(default=False, alias="CDB_LOCKSTEP")

    def limits(self) -> Limits:
        """Return the limits that the rules read."""
        return Limits(
            max_daily_drawdown=self.max_daily_drawdown,
            max_position=self.max_position,
            max_exposure=self.max_exposure,
            max_signal_age_s=self.max_signal_age_s,
            max_price_age_s=self.max_price_age_s,
            max_held_price_age_s=self.max_held_price_age_s,
            max_orders_per_minute=self.max_orders_per_minute,
            order_size=self.order_size,
            stop_loss=self.stop_loss,
        )
