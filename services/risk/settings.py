"""What the operator may set for cdb_risk. Money is in the quote asset."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from services import topology
from services.risk.limits import Limits
from services.settings import LedgerSettings, OperatorSettings, Port, ServiceSettings, port_of


class RiskSettings(ServiceSettings, LedgerSettings, OperatorSettings):
    """Where it listens, what it starts with, and its limits."""

    port: Port = port_of(topology.RISK)
    opening_cash: Annotated[Decimal, Field(gt=0, le=Decimal("1e12"), allow_inf_nan=False)] = Field(
        default=Decimal(100_000), validation_alias="CDB_OPENING_CASH"
    )
    limits: Limits
