"""A trace as a waterfall, whatever draws it: which service worked when, what it waited for, what failed."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from cdb.trace.critical_path import Part, critical_path
from cdb.trace.model import Span, Trace
from cdb.trace.tree import Node, Stretch, grow, self_time, walk

_OF_INTEREST: Final = (
    "cdb.symbol", "cdb.side", "cdb.cause", "cdb.verdict", "cdb.reason", "cdb.outcome", "cdb.quantity", "cdb.price",
    "cdb.fee", "cdb.slippage_bps", "cdb.realised_pnl", "cdb.equity", "cdb.exposure_before", "cdb.exposure_after",
    "cdb.signal_id", "cdb.order_id", "cdb.fill_id",
)  # fmt: skip
"""What one would search for, in this order."""


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
    span: Span | None = None  # None for a wait

    @property
    def waiting(self) -> bool:
        """Tell whether it is a wait on the bus."""
        return self.self_us is None

    @property
    def critical_us(self) -> int:
        """How long the critical path was in it."""
        return sum(end - begin for begin, end in self.critical)


def rows(trace: Trace) -> list[Row]:
    """Lines of *trace* in the order of the tree, a wait on the bus before the span that handled the message."""
    roots = grow(trace)
    path = critical_path(roots)
    return [row for node in walk(roots) for row in _rows(node, trace.start_us, path)]


def remarks(trace: Trace) -> list[str]:
    """Say what is missing or odd in *trace* itself."""
    nodes = list(walk(grow(trace)))
    found = []
    if orphans := [node.span.label for node in nodes if node.orphan]:
        found.append(f"{len(orphans)} without its parent, late or lost: {', '.join(orphans[:5])}")
    if early := [node.span.label for node in nodes if node.early]:
        found.append(f"{len(early)} before its parent, so clocks disagree: {', '.join(early[:5])}")
    return found


def about(trace: Trace) -> dict[str, str]:
    """Say what *trace* is about: of each attribute that one would search for the first value."""
    found: dict[str, str] = {}
    for span in sorted(trace.spans, key=lambda span: span.start_us):
        for name, value in span.attributes.items():
            found.setdefault(name, f"{value:,.8g}" if isinstance(value, float) else str(value))
    return {name: found[name] for name in _OF_INTEREST if name in found}


def _rows(node: Node, zero_us: int, path: list[Part]) -> Iterator[Row]:
    span = node.span
    if wait := waiting_before(node):
        sender, begin, end = wait
        waited = [part for part in path if part.waiting and part.begin_us < end and part.end_us > begin]
        name = f"on the bus ({sender.sends_to})"
        yield Row(node.depth, name, "", begin - zero_us, end - begin, None, _stretches(waited, zero_us))
    worked = _stretches([part for part in path if part.node is node and not part.waiting], zero_us)
    begin, remark = span.start_us - zero_us, span.text("error.type") or span.text("otel.status_description")
    row = Row(node.depth, span.label, span.service, begin, span.duration_us, self_time(node), worked, span=span)
    yield row._replace(failed=True, remark=remark) if span.failed else row


def _stretches(parts: Iterable[Part], zero_us: int) -> tuple[Stretch, ...]:
    return tuple((part.begin_us - zero_us, part.end_us - zero_us) for part in parts)


def waiting_before(node: Node) -> tuple[Span, int, int] | None:
    """Sender of the message that *node* handles, and from when to when it was on its stream; None without a wait."""
    sender = node.parent.span if node.parent else None
    if sender is None or not sender.sends_to or sender.end_us >= node.span.start_us:
        return None
    return sender, sender.end_us, node.span.start_us
