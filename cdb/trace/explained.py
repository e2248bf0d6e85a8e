"""Put a trace against the usual: how much longer each span took, and where its time went."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from cdb.trace.durations import shown
from cdb.trace.model import Span, Trace
from cdb.trace.path import Part, critical_path
from cdb.trace.tree import grow, self_time, walk
from cdb.trace.usual import Kind, Quantile, Usual


@dataclass(frozen=True)
class Compared:
    """One span beside what is usual for its kind; without *usual* there is no history. Microseconds."""

    span: Span
    self_us: int
    usual: Usual | None
    deviation_us: float | None

    @property
    def times(self) -> float | None:
        """Return how many times the median it took; None without a median that is known."""
        if self.usual is None or self.usual.median.at_most or self.usual.median.microseconds <= 0:
            return None
        return self.span.duration_us / self.usual.median.microseconds


@dataclass(frozen=True)
class Longest:
    """What the critical path stayed in longest: a span, or (*waiting*) what follows it, or nothing recorded."""

    span: Span | None
    waiting: bool
    duration_us: int


def compare(trace: Trace, usual: Mapping[Kind, Usual]) -> list[Compared]:
    """Return each span of *trace* beside the usual, the one furthest over its median first, then those without one."""
    rows = []
    for node in walk(grow(trace)):
        span = node.span
        known = usual.get((span.service, span.name))
        over = deviation(span.duration_us, known.median) if known else None
        rows.append(Compared(span, self_time(node), known, over))
    return sorted(rows, key=lambda row: -float("inf") if row.deviation_us is None else row.deviation_us, reverse=True)


def deviation(duration_us: float, median: Quantile) -> float:
    """Return by how much *duration_us* differs from *median*; nothing where that is only a bound and it is within."""
    over = duration_us - median.microseconds
    if median.at_most:
        return max(0.0, over)
    return min(0.0, over) if median.at_least else over


def longest(trace: Trace) -> Longest:
    """Return in what the critical path of *trace* stayed longest."""
    totals: dict[tuple[str, bool], int] = defaultdict(int)
    spans: dict[str, Span] = {}
    for part in critical_path(grow(trace)):
        key = _id(part)
        totals[key, part.waiting] += part.duration_us
        if part.node:
            spans[key] = part.node.span
    (key, waiting), duration = max(totals.items(), key=lambda item: item[1], default=(("", True), 0))
    return Longest(spans.get(key), waiting, duration)


def sentence(trace: Trace, rows: list[Compared]) -> str:
    """Say where the time of *trace* went, and what is usual there."""
    whole, most = trace.end_us - trace.start_us, longest(trace)
    share = f" ({most.duration_us / whole:.0%})" if whole else ""
    begin = f"Of {shown(whole)} in all, {shown(most.duration_us)}{share} went into "
    if most.span is None:
        return f"{begin}what no span was recorded for."
    if most.waiting:
        after = f"{most.span.label} of {most.span.service}"
        bus = (
            f"waiting on the bus ({most.span.sends_to}) after"
            if most.span.sends_to
            else "waiting, for what is not recorded, after"
        )
        return f"{begin}{bus} {after}."
    row = next(row for row in rows if row.span is most.span)
    return f"{begin}{most.span.label} of {most.span.service}, {_against(row)}."


def _against(row: Compared) -> str:
    if row.usual is None:
        return "for which there is no history"
    median = bounded(row.usual.median)
    if row.times is not None and row.times >= 2:
        return f"which took {row.times:.0f} times its median of {median}"
    if row.deviation_us is not None and row.deviation_us > row.usual.median.microseconds:
        return f"whose median is {median}"
    return f"about as usual: its median is {median}"


def bounded(quantile: Quantile) -> str:
    """Return *quantile* for a person, as a bound where it is one."""
    sign = "<= " if quantile.at_most else "> " if quantile.at_least else ""
    return f"{sign}{shown(quantile.microseconds)}"


def _id(part: Part) -> str:
    return part.node.span.span_id if part.node else ""
