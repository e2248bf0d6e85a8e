"""Closed trades and days of equity as tests need them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from hypothesis import HealthCheck, settings

from services.performance.trades import ClosedTrade

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
unhurried: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine pandas takes its time."""


def a_trade(
    result: str | Decimal,
    *,
    symbol: str = "BTCUSDT",
    strategy: str = "momentum_v1",
    opened: int = 0,
    closed: int = 1,
) -> ClosedTrade:
    """A trade for 100 with fees of 1, *opened* and *closed* so many minutes after noon."""
    return ClosedTrade(
        position_id=f"{symbol}-{opened}",
        strategy=strategy,
        symbol=symbol,
        opened_at=NOON + timedelta(minutes=opened),
        closed_at=NOON + timedelta(minutes=closed),
        quantity=Decimal(1),
        entry=Decimal(100),
        exit=Decimal(100) + Decimal(result),
        cost=Decimal(100),
        fees=Decimal(1),
        result=Decimal(result),
        cause="signal",
    )


def days(*equity: int | str, begin: datetime = NOON) -> Iterator[tuple[datetime, Decimal]]:
    """One mark *equity* for each day from *begin* on."""
    return marks(begin, [timedelta(days=1)] * (len(equity) - 1), equity)


def marks(
    begin: datetime, steps: Iterable[timedelta], equity: Iterable[int | str | Decimal]
) -> Iterator[tuple[datetime, Decimal]]:
    at = begin
    for step, value in zip([timedelta(), *steps], equity, strict=True):
        at += step
        yield at, Decimal(value)
