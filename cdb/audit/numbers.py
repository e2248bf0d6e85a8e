"""Numbers that were recorded as JSON."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any


def numbers(recorded: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """Read recorded numbers as Decimal; None if one is not a finite number."""
    try:
        found = {name: Decimal(str(value)) for name, value in recorded.items()}
    except (InvalidOperation, AttributeError):
        return None
    return found if all(number.is_finite() for number in found.values()) else None
