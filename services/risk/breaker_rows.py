"""Rows of the breaker and of what a reset changes, within a transaction of the caller."""

from decimal import Decimal
from typing import Literal

from services.clock import to_datetime, utc_day
from services.ledger.connection import Cursor

BreakerCause = Literal["mark", "decision", "operator", "day_turn", "test"]


def change(
    cursor: Cursor,
    *,
    active: bool,
    cause: BreakerCause,
    equity: Decimal,
    reference: Decimal,
    now_ns: int,
    action_id: str | None = None,
) -> None:
    """Note that the breaker trips or is inactive again."""
    cursor.execute(
        "INSERT INTO breaker (active, cause, equity, reference_equity, changed_at, action_id) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (active, cause, equity, reference, to_datetime(now_ns), action_id),
    )


def reset(cursor: Cursor, cause: BreakerCause, *, equity: Decimal, now_ns: int, action_id: str | None = None) -> None:
    """Note that the breaker is reset; *equity* becomes the day's new reference."""
    cursor.execute(
        "INSERT INTO equity (day, cause, equity, noted_at) "
        "SELECT greatest(%s, max(day)), 'breaker_reset', %s, %s FROM equity",
        (utc_day(now_ns), equity, to_datetime(now_ns)),
    )
    change(cursor, active=False, cause=cause, equity=equity, reference=equity, now_ns=now_ns, action_id=action_id)
