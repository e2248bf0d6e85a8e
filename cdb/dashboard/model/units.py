"""Write a figure as Grafana does, by the unit that the panel's JSON names."""

import math
from collections.abc import Mapping
from typing import Final

NO_VALUE: Final = "–"  # noqa: RUF001  a dash, as wide as a digit
_KI: Final = 1024.0


def _thousands(suffix: str) -> tuple[tuple[float, str], ...]:
    return ((1.0, f" {suffix}"), (1e3, f"K {suffix}"), (1e6, f"M {suffix}"))


UNITS: Final[Mapping[str, tuple[tuple[float, str], ...]]] = {
    "none": ((1.0, ""),),
    "short": ((1.0, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"), (1e12, " Tri")),
    "percent": ((1.0, "%"),),
    "percentunit": ((0.01, "%"),),
    "s": (
        *((1e-9, " ns"), (1e-6, " µs"), (1e-3, " ms"), (1.0, " s")),
        *((60.0, " min"), (3600.0, " h"), (86_400.0, " d")),
    ),
    "currencyUSD": ((1.0, ""), (1e3, "K"), (1e6, "M"), (1e9, "B")),
    "bytes": ((1.0, " B"), (_KI, " KiB"), (_KI**2, " MiB"), (_KI**3, " GiB"), (_KI**4, " TiB")),
    "decmbytes": ((1e-6, " B"), (1e-3, " kB"), (1.0, " MB"), (1e3, " GB"), (1e6, " TB")),
    "ops": _thousands("ops/s"),
    "cps": _thousands("c/s"),
}
"""Supported units by Grafana's name, in steps: from this size on, a figure is divided by it and has this suffix."""


def formatted(value: float | None, unit: str, decimals: int | None = None) -> str:
    """Scale *value* and write its unit; without *decimals* with about three figures, as Grafana does."""
    if value is None or math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    steps, size = UNITS.get(unit, UNITS["none"]), abs(value)
    reached = [step for step in steps if step[0] <= size] if size else [step for step in steps if step[0] == 1]
    divisor, suffix = reached[-1] if reached else steps[0]
    figure = f"{size / divisor:,.{_places(size / divisor) if decimals is None else decimals}f}"
    sign = "-" if value < 0 and figure.strip("0.") else ""
    return f"{sign}{'$' if unit == 'currencyUSD' else ''}{figure}{suffix}"


def _places(size: float) -> int:
    """Grafana's own rule: as many decimals as show about three figures of *size*."""
    if size == int(size):
        return 0
    places = 1 - math.floor(math.log10(size))
    if size * 10.0**places > 2.25:
        places += 1
    return min(max(places, 0), 9)
