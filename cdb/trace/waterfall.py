"""Draw a trace in the terminal: which service worked when, what it waited for, what failed."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdb.kit.figures import microseconds
from cdb.kit.printable import cut, printable
from cdb.trace.critical_path import Part, critical_path
from cdb.trace.model import Span, Trace
from cdb.trace.tree import Node, Stretch, grow, self_time, walk

_LEAST_BAR: Final = 10
_NARROW: Final = 120
_FIXED: Final = 2 * 9 + 5  # two durations and the gaps between columns; the third is beside the bar
_OF_INTEREST: Final = (
    "cdb.symbol", "cdb.side", "cdb.cause", "cdb.verdict", "cdb.reason", "cdb.outcome", "cdb.quantity", "cdb.price",
    "cdb.fee", "cdb.slippage_bps", "cdb.realised_pnl", "cdb.equity", "cdb.exposure_before", "cdb.exposure_after",
    "cdb.signal_id", "cdb.order_id", "cdb.fill_id",
)  # fmt: skip
"""Shown above the waterfall, each once."""


class Row(NamedTuple):
    """One line: a span, or a message's wait on the bus. Times in microseconds from the first span."""

    depth: int
    name: str
    service: str
    begin_us: int
    duration_us: int
    self_us: int | None
    critical: tuple[Stretch, ...]  # when the critical path was in it
    failed: bool = False
    remark: str = ""

    @property
    def waiting(self) -> bool:
        """Tell whether it is a wait on the bus."""
        return self.self_us is None


def rows(trace: Trace) -> list[Row]:
    """Lines of *trace* in the order of the tree, a wait on the bus before the span that handled the message."""
    roots = grow(trace)
    path = critical_path(roots)
    return [row for node in walk(roots) for row in _rows(node, trace.start_us, path)]


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


def remarks(trace: Trace) -> list[str]:
    """Say what is missing or odd in *trace* itself."""
    nodes = list(walk(grow(trace)))
    found = []
    if orphans := [node.span.label for node in nodes if node.orphan]:
        found.append(f"{len(orphans)} without its parent, late or lost: {', '.join(orphans[:5])}")
    if early := [node.span.label for node in nodes if node.early]:
        found.append(f"{len(early)} before its parent, so clocks disagree: {', '.join(early[:5])}")
    return found


def title(trace: Trace) -> Text:
    """Write the trace's id and why the collector kept it."""
    return Text.assemble(("trace ", "dim"), trace.trace_id, ("  kept: ", "dim"), printable(trace.kept or "?"))


def _heading(trace: Trace) -> Iterator[Text]:
    yield title(trace)
    about: dict[str, str] = {}
    for span in sorted(trace.spans, key=lambda span: span.start_us):
        for name, value in span.attributes.items():
            about.setdefault(name, f"{value:,.8g}" if isinstance(value, float) else str(value))
    words = Text()
    for name in _OF_INTEREST:
        if name in about:
            words.append(f"{name.removeprefix('cdb.').replace('_', ' ')} ", "dim")
            words.append(f"{cut(printable(about[name]), 80)}  ")
    if words:
        words.rstrip()
        yield words


def _rows(node: Node, zero_us: int, path: list[Part]) -> Iterator[Row]:
    span = node.span
    if wait := waiting_before(node):
        sender, begin, end = wait
        waited = [part for part in path if part.waiting and part.begin_us < end and part.end_us > begin]
        name = f"on the bus ({sender.sends_to})"
        yield Row(node.depth, name, "", begin - zero_us, end - begin, None, _stretches(waited, zero_us))
    worked = _stretches([part for part in path if part.node is node and not part.waiting], zero_us)
    begin, remark = span.start_us - zero_us, span.text("error.type") or span.text("otel.status_description")
    row = Row(node.depth, span.label, span.service, begin, span.duration_us, self_time(node), worked)
    yield row._replace(failed=True, remark=remark) if span.failed else row


def _stretches(parts: Iterable[Part], zero_us: int) -> tuple[Stretch, ...]:
    return tuple((part.begin_us - zero_us, part.end_us - zero_us) for part in parts)


def waiting_before(node: Node) -> tuple[Span, int, int] | None:
    """Sender of the message that *node* handles, and from when to when it was on its stream; None without a wait."""
    sender = node.parent.span if node.parent else None
    if sender is None or not sender.sends_to or sender.end_us >= node.span.start_us:
        return None
    return sender, sender.end_us, node.span.start_us


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
