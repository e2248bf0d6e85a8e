"""What the operator allows cdb_risk. Settings that end in _PCT are shares of equity (0.05), ages are in seconds."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.settings import Fraction, PositiveSeconds, Settings

_SHARE = "a fraction: 0.05 means 5 %"


class Limits(Settings):
    """The limits that the rules read."""

    max_daily_drawdown: Fraction = Field(
        default=Decimal("0.05"), validation_alias="MAX_DAILY_DRAWDOWN_PCT", description=_SHARE
    )
    max_position: Fraction = Field(default=Decimal("0.10"), validation_alias="MAX_POSITION_PCT", description=_SHARE)
    max_exposure: Fraction = Field(default=Decimal("0.50"), validation_alias="MAX_EXPOSURE_PCT", description=_SHARE)
    order_size: Fraction = Field(default=Decimal("0.085"), validation_alias="ORDER_SIZE_PCT", description=_SHARE)
    stop_loss: Fraction = Field(default=Decimal("0.02"), validation_alias="STOP_LOSS_PCT", description=_SHARE)
    max_signal_age_s: PositiveSeconds = Field(default=3.0, validation_alias="MAX_SIGNAL_AGE_S")
    max_price_age_s: PositiveSeconds = Field(default=5.0, validation_alias="MAX_PRICE_AGE_S")
    max_held_price_age_s: PositiveSeconds = Field(default=300.0, validation_alias="MAX_HELD_PRICE_AGE_S")
    max_orders_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=120, validation_alias="MAX_ORDERS_PER_MINUTE"
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for one, other, why in (
            ("order_size", "max_position", "every order would be larger than a position may be"),
            ("order_size", "max_exposure", "every order would be larger than all positions together may be"),
            ("max_position", "max_exposure", "one position could never be larger than all together may be"),
        ):
            if getattr(self, one) > getattr(self, other):
                self.refuse_together(one, other, why)
        return self
