"""How much of a whole each figure is: bars of a bar gauge, slices of a pie."""

import math

from cdb.dashboard.model.fields import Answer, Field


def bars(answer: Answer) -> list[tuple[Field, float]]:
    """Each figure and its share of the panel's range, or else of the largest; it may be negative or over 1."""
    top = max((field.value for field in answer.fields if math.isfinite(field.value)), default=0.0)
    found = []
    for field in answer.fields:
        high = field.look.settings.max
        span = (top if high is None else high) - field.look.low
        found.append((field, (field.value - field.look.low) / span if span > 0 else 0.0))
    return found


def slices(answer: Answer) -> list[tuple[Field, float]]:
    """Each figure and its share of the sum, 0 to 1, the largest first."""
    fields = sorted(answer.fields, key=_size, reverse=True)
    total = sum(map(_size, fields)) or 1.0
    return [(field, _size(field) / total) for field in fields]


def _size(field: Field) -> float:
    return field.value if math.isfinite(field.value) and field.value > 0 else 0.0
