"""Units of what an expression returns and of what a panel shows, and which numbers are sane in them."""

import math
from dataclasses import dataclass
from typing import Final, Self

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Unit:
    """A dimension, and how many of the number shown are one of it: 100 of a ratio is percent."""

    dimension: str
    scale: float = 1.0

    @classmethod
    def of(cls, ucum: str) -> Self | None:
        """Read the unit of the contract or other_metrics.yaml; None where it says nothing (1)."""
        if ucum.startswith("{"):
            return cls("count")
        if ucum == "%":
            return cls("ratio", 100)
        return cls(ucum) if ucum and ucum != "1" else None

    def times(self, factor: float) -> "Unit":
        """Multiply by *factor*, as the value is."""
        return Unit(self.dimension, self.scale * factor)

    def per_second(self) -> "Unit":
        """Divide by a second; seconds in a second are a ratio."""
        return Unit("ratio" if self.dimension == "s" else f"{self.dimension}/s", self.scale)

    def over(self, other: "Unit") -> "Unit | None":
        """Divide by *other*, as far as the quotient has a name."""
        return Unit("ratio", self.scale / other.scale) if self.dimension == other.dimension else None

    def same(self, other: "Unit") -> bool:
        """Tell whether both are the same."""
        return self.dimension == other.dimension and math.isclose(self.scale, other.scale, rel_tol=1e-3)

    def __str__(self) -> str:
        known = {("ratio", 1.0): "a ratio (1 is all)", ("ratio", 100.0): "percent (100 is all)", ("s", 1000.0): "ms"}
        return known.get((self.dimension, self.scale)) or (
            self.dimension if self.scale == 1 else f"{self.dimension} times {self.scale:g}"
        )


GRAFANA: Final = {
    "percent": Unit("ratio", 100),
    "percentunit": Unit("ratio"),
    "s": Unit("s"),
    "currencyUSD": Unit("USD"),
    "bytes": Unit("By"),
    "decmbytes": Unit("By", 1e-6),
    "ops": Unit("count/s"),
    "cps": Unit("count/s"),
}
"""What Grafana's names for the supported units mean; short and none may show anything."""

# Outside of these a limit most likely is meant in another unit: 0.05 for five percent, 500 for half a second.
_SANE: Final[dict[Unit, Bounds]] = {
    Unit("ratio", 100): (1, 100),
    Unit("ratio"): (0.001, 10),
    Unit("s"): (0.0001, 1000),
    Unit("s", 1e3): (0.1, 1_000_000),
}


def insane(limit: float, unit: Unit | None, bounds: Bounds | None) -> str:
    """Say why *limit* can be none for a value in *unit* that stays within *bounds*; nothing if it can be one."""
    if bounds and not bounds[0] <= limit <= bounds[1]:
        return f"the value is between {bounds[0]:g} and {bounds[1]:g}"
    if bounds or unit not in _SANE or limit == 0:
        return ""
    low, high = _SANE[unit]
    return "" if low <= abs(limit) <= high else f"the value is in {unit}"
