"""Write a figure as Grafana would, by the unit that the panel's JSON names."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

NO_VALUE: Final = "–"  # noqa: RUF001  a dash, as wide as a digit


@dataclass(frozen=True)
class Scale:
    """What a unit is counted in, from small to large: (from this figure on, divided by this, written so)."""

    steps: tuple[tuple[float, float, str], ...]
    prefix: str = ""

    def write(self, value: float, decimals: int | None) -> str:
        """Return *value* in the largest step that it reaches."""
        size = abs(value)
        reached = [step for step in self.steps if size >= step[0]] if size else []
        _, divisor, suffix = reached[-1] if reached else self._plain()
        sign = "-" if value < 0 else ""
        figure = _figure(size / divisor, decimals)
        return f"{sign if figure.strip('0.') else ''}{self.prefix}{figure}{suffix}"

    def _plain(self) -> tuple[float, float, str]:
        return next((step for step in self.steps if step[1] == 1), self.steps[0])


def _thousands(suffix: str, *, names: tuple[str, ...] = ("", "K", "M", "G", "T"), base: float = 1000.0) -> Scale:
    ends = (f"{' ' if name or suffix else ''}{name}{suffix}" for name in names)
    return Scale(tuple((base**i if i else 0.0, base**i, end) for i, end in enumerate(ends)))


def _rate(suffix: str) -> Scale:
    return Scale(tuple((1000.0**i if i else 0.0, 1000.0**i, f"{k} {suffix}") for i, k in enumerate(("", "K", "M"))))


def _time(unit_in_seconds: float) -> Scale:
    steps = [(0.0, 1e-9, " ns"), (1e-6, 1e-6, " µs"), (1e-3, 1e-3, " ms"), (1.0, 1.0, " s")]
    steps += [(60.0, 60.0, " min"), (3600.0, 3600.0, " h"), (86_400.0, 86_400.0, " d")]
    return Scale(tuple((least / unit_in_seconds, size / unit_in_seconds, name) for least, size, name in steps))


def _bytes(names: tuple[str, ...], base: float, first: int) -> Scale:
    """Return a scale over *names* whose figures are given in the one at *first*."""
    return Scale(tuple((base ** (i - first) if i else 0.0, base ** (i - first), f" {n}") for i, n in enumerate(names)))


def _money(sign: str) -> Scale:
    return Scale(tuple((1000.0**i if i else 0.0, 1000.0**i, k) for i, k in enumerate(("", "K", "M", "B"))), prefix=sign)


_IEC = ("B", "KiB", "MiB", "GiB", "TiB")
_SI = ("B", "kB", "MB", "GB", "TB")
_SCALES: Final[dict[str, Scale]] = {
    "": Scale(((0.0, 1.0, ""),)),
    "none": Scale(((0.0, 1.0, ""),)),
    "short": _thousands("", names=("", "K", "Mil", "Bil", "Tri")),
    "percent": Scale(((0.0, 1.0, "%"),)),
    "percentunit": Scale(((0.0, 0.01, "%"),)),
    "ns": _time(1e-9),
    "µs": _time(1e-6),
    "ms": _time(1e-3),
    "s": _time(1.0),
    "m": _time(60.0),
    "h": _time(3600.0),
    "currencyUSD": _money("$"),
    "bytes": _bytes(_IEC, 1024.0, 0),
    "kbytes": _bytes(_IEC, 1024.0, 1),
    "mbytes": _bytes(_IEC, 1024.0, 2),
    "decbytes": _bytes(_SI, 1000.0, 0),
    "deckbytes": _bytes(_SI, 1000.0, 1),
    "decmbytes": _bytes(_SI, 1000.0, 2),
    "binBps": _bytes(tuple(f"{name}/s" for name in _IEC), 1024.0, 0),
    "Bps": _bytes(tuple(f"{name}/s" for name in _SI), 1000.0, 0),
    "ops": _rate("ops/s"),
    "reqps": _rate("req/s"),
    "rps": _rate("rd/s"),
    "wps": _rate("wr/s"),
    "iops": _rate("io/s"),
    "eps": _rate("evt/s"),
    "mps": _rate("msg/s"),
    "cps": _rate("c/s"),
    "opm": _rate("ops/m"),
    "rpm": _rate("rd/m"),
    "wpm": _rate("wr/m"),
    "cpm": _rate("c/m"),
    "epm": _rate("evt/m"),
}
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "bool": ("False", "True"),
    "bool_on_off": ("Off", "On"),
    "bool_yes_no": ("No", "Yes"),
}


def _moment(value: float) -> str:
    return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S}"


_MOMENTS: Final[dict[str, Callable[[float], str]]] = {"dateTimeAsIso": _moment, "dateTimeAsSystem": _moment}


def formatted(value: float | None, unit: str | None = None, decimals: int | None = None) -> str:
    """Return *value* with its *unit* (Grafana's id), scaled; *decimals* as many as tell it apart without a number.

    A unit that is not known is written behind the figure.
    """
    if value is None or math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    unit = unit or ""
    if unit in _WORDS:
        return _WORDS[unit][value != 0]
    if unit in _MOMENTS:
        return _MOMENTS[unit](value)
    return _scale(unit).write(value, decimals)


def _scale(unit: str) -> Scale:
    kind, _, text = unit.partition(":")
    if kind == "suffix":
        return Scale(((0.0, 1.0, f" {text}"),))
    if kind == "prefix":
        return Scale(((0.0, 1.0, ""),), prefix=text)
    return _SCALES.get(unit) or Scale(((0.0, 1.0, f" {unit}"),))


def _figure(size: float, decimals: int | None) -> str:
    places = _places(size) if decimals is None else decimals
    return f"{size:,.{places}f}"


def _places(size: float) -> int:
    """Return how many decimals show about three figures of *size*: Grafana's own rule."""
    if size == 0 or size == int(size):
        return 0
    places = 1 - math.floor(math.log10(size))
    if size * 10.0**places > 2.25:
        places += 1
    return min(max(places, 0), 9)
