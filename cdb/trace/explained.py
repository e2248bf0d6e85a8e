"""Put a trace against the usual: how much longer each span took, and where its time went."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from cdb.trace.decisions import Decision, decisions
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
    """Say where the time of the decision in *trace* went and what is usual there, and where that of the whole went."""
    decided, most = next(decisions(trace), None), longest(trace)
    if decided is None:
        said = _whole(trace, most, rows)
    elif decided.most.span is most.span and not most.waiting:
        share = most.duration_us / max(1, trace.end_us - trace.start_us)
        said = f"{_decided(decided, rows)}; that is {share:.0%} of the {shown(trace.end_us - trace.start_us)} in all"
    else:
        said = f"{_decided(decided, rows)}; {_whole(trace, most, rows)}"
    return f"{said[0].upper()}{said[1:]}."


def _decided(one: Decision, rows: list[Compared]) -> str:
    took = f"the decision took {shown(one.span.duration_us)}, {shown(one.most.self_us)} of it"
    return f"{took} in {one.most.span.label}, {_against(one.most.span, rows)}"


def _whole(trace: Trace, most: Longest, rows: list[Compared]) -> str:
    begin = f"of the {shown(trace.end_us - trace.start_us)} in all {shown(most.duration_us)} went into "
    span = most.span
    if span is None:
        return f"{begin}what no span was recorded for"
    of = f"{span.label} of {span.service}"
    if not most.waiting:
        return f"{begin}{of}, {_against(span, rows)}"
    bus = f"waiting on the bus ({span.sends_to})" if span.sends_to else "waiting for what is not recorded"
    return f"{begin}{bus} after {of}"


def _against(span: Span, rows: list[Compared]) -> str:
    known = next((row.usual for row in rows if row.span is span), None)
    if known is None:
        return "of which there is no history"
    median = known.median
    bound = "at most " if median.at_most else "over " if median.at_least else ""
    return f"which usually takes {bound}{shown(median.microseconds)}"


def bounded(quantile: Quantile) -> str:
    """Return *quantile* for a person, as a bound where it is one."""
    sign = "<= " if quantile.at_most else "> " if quantile.at_least else ""
    return f"{sign}{shown(quantile.microseconds)}"


def _id(part: Part) -> str:
    return part.node.span.span_id if part.node else ""
