"""The axis of a chart's values: round figures, thresholds in sight."""

import math
from dataclasses import dataclass
from typing import Final

from cdb.dashboard.model.fields import Answer
from cdb.dashboard.model.look import Look

_NEAR: Final = 5.0
"""A threshold that would make the axis more than this times as long is only in the legend."""
_FLAT: Final = 0.9
"""Values that all are above this share of the largest would be a flat line on an axis from 0."""
_ROOM: Final = 1.05
_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)
_NEARLY: Final = 1e-9


@dataclass(frozen=True)
class Axis:
    """Values from *low* to *high*, with a figure at each *step*, written as *look* says."""

    low: float
    high: float
    step: float
    look: Look

    def shows(self, value: float) -> bool:
        """Tell whether *value* is on the axis."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[float]:
        """Values at which the axis has figures."""
        first = math.ceil(self.low / self.step - _NEARLY)
        last = math.floor(self.high / self.step + _NEARLY)
        return [at * self.step for at in range(first, last + 1)]


def axis_of(answer: Answer, steps: int) -> Axis:
    """Make an axis of at most so many *steps* for all points and for the threshold lines that are near them."""
    look = answer.fields[0].look
    settings = look.settings
    values = [value for field in answer.fields for _, value in field.series.points if math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    low = low if low > _FLAT * high else min(low, 0.0)
    high = max(high, settings.custom.axis_soft_max or high)
    high = max([high, *(limit * _ROOM for limit, _ in look.lines if limit <= _NEAR * high)])
    low = settings.min if settings.min is not None else low
    high = max(settings.max if settings.max is not None else high, low)
    base = 1024.0 if settings.unit == "bytes" else 1000.0
    step = _step((high - low) or 1.0, steps, base)
    low = low if settings.min is not None else math.floor(low / step + _NEARLY) * step
    high = high if settings.max is not None else math.ceil(high / step - _NEARLY) * step
    return Axis(low, high if high > low else low + step, step, look)


def _step(span: float, most: int, base: float) -> float:
    """Find the smallest round step of which at most *most* make up *span*; *base* is 1000, or 1024 for bytes."""
    unit = base ** math.floor(math.log(span / most, base))
    size = unit * 10.0 ** math.floor(math.log10(span / most / unit))
    return next(round_step * size for round_step in _ROUND if round_step * size * most >= span * (1 - _NEARLY))
