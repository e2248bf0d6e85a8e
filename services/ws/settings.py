"""What the operator may set for cdb_ws."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from services.settings import Port, ServiceSettings
from services.ws.market import MarketSettings

Speed = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


def _no_limit(value: object) -> object:
    return None if value == "max" else value


class WsSettings(ServiceSettings):
    """Which trades, and how fast."""

    port: Port = Field(8000, alias="CDB_WS_PORT")
    seed: int = Field(20_251_121, alias="SIMULATOR_SEED")
    trades_per_second: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] = Field(
        20.0, alias="SIMULATOR_TRADES_PER_SECOND"
    )
    pace: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = Field(
        1.0, alias="SIMULATOR_PACE", description="how many times faster than usual prices swing"
    )
    replay_file: Path | None = Field(None, alias="CDB_REPLAY_FILE")
    replay_speed: Annotated[Speed | None, BeforeValidator(_no_limit)] = Field(
        None, alias="CDB_REPLAY_SPEED", description="a factor such as 10, or max"
    )
    lockstep: bool = Field(default=False, alias="CDB_LOCKSTEP")

    def market(self) -> MarketSettings:
        """Return what the simulated market reads, whose own seconds pass *pace* times as fast as real ones."""
        return MarketSettings(trades_per_second=self.trades_per_second / self.pace)
