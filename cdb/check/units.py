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
        """Return the unit that the contract or foreign.yaml names; None where that says nothing (1)."""
        if ucum.startswith("{"):
            return cls("count")
        if ucum == "%":
            return cls("ratio", 100)
        return cls(ucum) if ucum and ucum != "1" else None

    def times(self, factor: float) -> "Unit":
        """Return the unit of *factor* times a value in this one."""
        return Unit(self.dimension, self.scale * factor)

    def per_second(self) -> "Unit":
        """Return the unit of the rate of a value in this one; seconds in a second are a ratio."""
        return Unit("ratio" if self.dimension == "s" else f"{self.dimension}/s", self.scale)

    def over(self, other: "Unit") -> "Unit | None":
        """Return the unit of the quotient, as far as it has a name."""
        return Unit("ratio", self.scale / other.scale) if self.dimension == other.dimension else None

    def same(self, other: "Unit") -> bool:
        """Tell whether both are the same."""
        return self.dimension == other.dimension and math.isclose(self.scale, other.scale, rel_tol=1e-3)

    def __str__(self) -> str:
        known = {("ratio", 1.0): "a ratio (1 is all)", ("ratio", 100.0): "percent (100 is all)", ("s", 1000.0): "ms"}
        return known.get((self.dimension, self.scale)) or (
            self.dimension if self.scale == 1 else f"{self.dimension} times {self.scale:g}"
        )


_MI: Final = 2.0**20
GRAFANA: Final = {
    "percent": Unit("ratio", 100),
    "percentunit": Unit("ratio"),
    "s": Unit("s"),
    "ms": Unit("s", 1e3),
    "µs": Unit("s", 1e6),
    "currencyUSD": Unit("USD"),
    "bytes": Unit("By"),
    "decbytes": Unit("By"),
    "kbytes": Unit("By", 1 / 1024),
    "mbytes": Unit("By", 1 / _MI),
    "decmbytes": Unit("By", 1e-6),
    "Bps": Unit("By/s"),
    "ops": Unit("count/s"),
    "cps": Unit("count/s"),
    "reqps": Unit("count/s"),
    "opm": Unit("count/s", 60),
    "cpm": Unit("count/s", 60),
    "reqpm": Unit("count/s", 60),
}
"""What Grafana's names for units say; a unit that is not here (short, none) may show anything."""

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
