"""Draw a waterfall in the terminal."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdb.kit.figures import microseconds
from cdb.kit.printable import cut, printable
from cdb.trace.model import Trace
from cdb.trace.waterfall import Row, about, remarks, rows

_LEAST_BAR: Final = 10
_NARROW: Final = 120
_FIXED: Final = 2 * 9 + 5  # two durations and the gaps between columns; the third is beside the bar


def draw(trace: Trace, console: Console) -> None:
    """Print *trace*: what it is about, the waterfall, and what is missing or odd in it."""
    lines = rows(trace)
    whole = trace.end_us - trace.start_us
    for line in _heading(trace):
        console.print(line, soft_wrap=True)
    console.print()
    console.print(_table(lines, whole, console.width))
    console.print()
    console.print(_legend(lines), style="dim", soft_wrap=True)
    for remark in remarks(trace):
        console.print(Text(printable(remark), "yellow"), soft_wrap=True)


def title(trace: Trace) -> Text:
    """Write the trace's id and why the collector kept it."""
    return Text.assemble(("trace ", "dim"), trace.trace_id, ("  kept: ", "dim"), printable(trace.kept or "?"))


def _heading(trace: Trace) -> Iterator[Text]:
    yield title(trace)
    words = Text()
    for name, value in about(trace).items():
        words.append(f"{name.removeprefix('cdb.').replace('_', ' ')} ", "dim")
        words.append(f"{cut(printable(value), 80)}  ")
    if words:
        words.rstrip()
        yield words


def _table(lines: list[Row], whole: int, width: int) -> Table:
    indent = 1 if width < _NARROW else 2
    labels = [_label(row, indent) for row in lines]
    names = min(max(map(len, labels)), max(20, width // 3))
    services = min(max(7, *(len(printable(row.service)) for row in lines)), 20)
    bar = max(_LEAST_BAR, width - names - services - _FIXED - 10)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name, size in (
        ("service", services), ("span", names), ("offset", 9), ("", bar), ("took", 9), ("self time", 9),
    ):  # fmt: skip
        right = name in {"offset", "took", "self time"}
        table.add_column(name, justify="right" if right else "left", width=size, no_wrap=True, overflow="ellipsis")
    for row, label in zip(lines, labels, strict=True):
        style = "red" if row.failed else "dim" if row.waiting else ""
        self_time = "" if row.self_us is None else microseconds(row.self_us)
        took = Text(microseconds(row.duration_us), style)
        columns = (Text(printable(row.service)), Text(label, style), microseconds(row.begin_us))
        table.add_row(*columns, _bar(row, whole, bar), took, self_time)
    return table


def _label(row: Row, indent: int) -> str:
    return printable(" " * indent * row.depth + row.name + (f": {row.remark}" if row.remark else ""))


def _bar(row: Row, whole: int, width: int) -> Text:
    """Draw when a span ran: heavy where the critical path was in it, light elsewhere, dotted for waiting."""
    scale = width / whole if whole else 0.0
    first = min(int(row.begin_us * scale), width - 1)
    last = min(max(first + 1, round((row.begin_us + row.duration_us) * scale)), width)
    heavy: set[int] = set()
    for begin, end in row.critical:
        low = min(int(begin * scale), width - 1)
        heavy.update(range(low, max(low + 1, min(round(end * scale), width))))
    colour = "red" if row.failed else "yellow" if row.waiting else "cyan"
    signs = ("┅", "┈") if row.waiting else ("█", "─")
    text = Text(" " * first)
    for critical, cells in groupby(range(first, last), key=heavy.__contains__):
        text.append(signs[0 if critical else 1] * len(list(cells)), colour if critical else f"{colour} dim")
    return text


def _legend(lines: list[Row]) -> str:
    waits = ", ┅ of it waiting on the bus" if any(row.waiting for row in lines) else ""
    return f"█ critical path{waits}, ─ not on it; self time: without child spans"
