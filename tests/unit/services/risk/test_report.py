"""What cdb_risk reports of its limits."""

from decimal import Decimal

from services.risk.limits import Limits
from services.risk.report import limits
from telemetry import metrics


def reported() -> dict[str, float | None]:
    names = ("daily_drawdown", "position", "exposure")
    return {name: metrics.risk_limit_pct.labels(limit=name).read() for name in names}


def test_limits_are_reported_in_percent() -> None:
    """Exactly: a loss of 5 % is not above a limit of 5.000000000000001."""
    limits(Limits())
    assert reported() == {"daily_drawdown": 5.0, "position": 10.0, "exposure": 50.0}
    limits(Limits(max_daily_drawdown=Decimal("0.03"), max_position=Decimal("0.30"), max_exposure=Decimal("0.9")))
    assert reported() == {"daily_drawdown": 3.0, "position": 30.0, "exposure": 90.0}
