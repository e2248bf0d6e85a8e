"""Results of bench.pipeline beside their aims, and its progress on the terminal."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_TICK_S: Final = 0.5
_WIDTH: Final = 180


@dataclass(frozen=True)
class Aim:
    """Target of a figure: below *value*, or at least *value*."""

    relation: str
    value: float

    def met(self, figure: float) -> bool:
        return figure < self.value if self.relation == "<" else figure >= self.value

    def __str__(self) -> str:
        return f"{self.relation} {self.value:,g}"


@dataclass(frozen=True)
class Figure:
    """One measured value; None if it could not be measured (*detail* says why)."""

    name: str
    value: float | None
    unit: str
    aim: Aim | None = None
    detail: str = ""

    @classmethod
    def of_rounds(cls, name: str, ratios: Sequence[float], aim: Aim | None = None) -> Self:
        """The median of *ratios*, each of one round."""
        seen = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        return cls(name, median(ratios), "", aim, f"rounds: {seen}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values; `met` is None without an aim or a value."""
        met = None if self.aim is None or self.value is None else self.aim.met(self.value)
        return {**asdict(self), "aim": str(self.aim) if self.aim else None, "met": met}


@dataclass(frozen=True)
class Distribution:
    """Percentiles (nearest rank) of *samples* values, in *unit*."""

    name: str
    samples: int
    p50: float
    p95: float
    p99: float
    unit: str = "ms"

    @classmethod
    def of(cls, name: str, values: Sequence[float], unit: str = "ms") -> Self:
        """Summarise *values*; NaN where there are none."""
        ranked = sorted(values)

        def at(percent: int) -> float:
            return ranked[math.ceil(percent / 100 * len(ranked)) - 1] if ranked else math.nan

        return cls(name, len(ranked), at(50), at(95), at(99), unit)


@dataclass
class Section:
    """One part of the benchmark: its figures, the settings that they hold for, and notes."""

    name: str
    settings: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    distributions: list[Distribution] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failure: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "figures": [figure.as_dict() for figure in self.figures]}


class Narrator:
    """Shows progress on standard error: a bar on a terminal, otherwise a line per step."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line with the time since the start."""
        self._console.print(f"[{time.monotonic() - self._began:6.1f} s] {text}", markup=False, soft_wrap=True)

    def spend(self, seconds: float, what: str, each: Callable[[], None] = lambda: None) -> None:
        """Wait *seconds*; call *each* about every half second, and once at the end."""
        began = time.monotonic()
        with self._bar(what, seconds) as show:
            while (passed := time.monotonic() - began) < seconds:
                show(passed)
                each()
                time.sleep(max(0.0, min(_TICK_S, began + seconds - time.monotonic())))
        each()

    def follow(self, what: str, total: int, look: Callable[[], int], *, stuck_after_s: float, every_s: float) -> bool:
        """Call *look* until it returns *total*; False if the value has not grown for *stuck_after_s* seconds."""
        best, changed = -1, time.monotonic()
        with self._bar(what, total) as show:
            while (now := look()) < total:
                show(now)
                if now > best:
                    best, changed = now, time.monotonic()
                elif time.monotonic() - changed > stuck_after_s:
                    return False
                time.sleep(every_s)
        return True

    @contextmanager
    def _bar(self, what: str, total: float) -> Iterator[Callable[[float], None]]:
        if not self._console.is_terminal:
            self.say(what)
            yield lambda _done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done: progress.update(task, completed=done)
        self.say(what)


def show(sections: Sequence[Section], machine: dict[str, Any]) -> None:
    """Print everything as tables on standard output."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=_WIDTH, highlight=False)
    console.print("Machine: " + "; ".join(f"{name} {value}" for name, value in machine.items()), markup=False)
    for section in sections:
        console.print()
        if section.failure:
            console.print(f"{section.name}: failed: {section.failure}", markup=False)
            continue
        console.print(_figures(section))
        for table in (_distributions(section), _rows(section)):
            if table is not None:
                console.print(table)
        settings = ", ".join(f"{name}={value}" for name, value in section.settings.items())
        console.print(f"Settings: {settings or 'the defaults'}", markup=False)
        for note in section.notes:
            console.print(f"- {note}", markup=False)


def _figures(section: Section) -> Table:
    table = Table("figure", title=section.name, title_justify="left")
    for column in ("value", "unit", "aim", "met"):
        table.add_column(column, justify="left" if column == "unit" else "right")
    table.add_column("how")
    for figure in section.figures:
        met = figure.as_dict()["met"]
        mark = Text("") if met is None else Text("yes", "green") if met else Text("no", "red")
        aim = str(figure.aim) if figure.aim else ""
        table.add_row(figure.name, _number(figure.value), figure.unit, aim, mark, Text(figure.detail))
    return table


def _distributions(section: Section) -> Table | None:
    if not section.distributions:
        return None
    table = Table("from ... to")
    for column in ("samples", "p50", "p95", "p99", "unit"):
        table.add_column(column, justify="right")
    for found in section.distributions:
        cells = (f"{found.samples:,}", *map(_number, (found.p50, found.p95, found.p99)))
        table.add_row(found.name, *cells, found.unit)
    return table


def _rows(section: Section) -> Table | None:
    if not section.rows:
        return None
    table = Table()
    for name, value in section.rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in section.rows:
        table.add_row(*(Text(value) if isinstance(value, str) else _number(value) for value in row.values()))
    return table


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.2f}"
