"""What the operator may set for cdb_execution."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from services.execution.venue import VenueSettings
from services.settings import LedgerSettings, Port, ServiceSettings

BasisPoints = Annotated[Decimal, Field(ge=0, le=500, allow_inf_nan=False)]
_DEFAULT = VenueSettings()


class ExecutionSettings(ServiceSettings, LedgerSettings):
    """The paper venue: basis points of slippage and fee, depth as notional in the quote asset."""

    port: Port = Field(8003, alias="CDB_EXECUTION_PORT")
    base_bps: BasisPoints = Field(_DEFAULT.base_bps, alias="PAPER_SLIPPAGE_BASE_BPS")
    size_bps: BasisPoints = Field(_DEFAULT.size_bps, alias="PAPER_SLIPPAGE_SIZE_BPS")
    depth: Annotated[Decimal, Field(gt=0, le=Decimal("1e15"), allow_inf_nan=False)] = Field(
        _DEFAULT.depth, alias="PAPER_DEPTH"
    )
    fee_bps: BasisPoints = Field(_DEFAULT.fee_bps, alias="PAPER_FEE_BPS")

    def venue(self) -> VenueSettings:
        """Return what the paper venue reads."""
        return VenueSettings(base_bps=self.base_bps, size_bps=self.size_bps, depth=self.depth, fee_bps=self.fee_bps)
