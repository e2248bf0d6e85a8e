"""Compare a trace with its baselines: how much longer each span took, and where its time went."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cdb.kit.figures import microseconds
from cdb.trace.baseline import Baseline, Kind, Quantile
from cdb.trace.critical_path import critical_path
from cdb.trace.decisions import Decision, decisions
from cdb.trace.model import Span, Trace
from cdb.trace.tree import grow, self_time, walk

COLUMNS: Final = ("service", "span", "took", "self time", "median", "p95", "over median", "times", "spans")
"""Titles of a table that compares. The first two name a span, `cells` has the rest."""


@dataclass(frozen=True)
class Compared:
    """One span beside the baseline of its kind, None if there is no history. Microseconds."""

    span: Span
    self_us: int
    baseline: Baseline | None
    deviation_us: float | None

    @property
    def times(self) -> float | None:
        """The span's duration as a multiple of the median, if that is known exactly."""
        if self.baseline is None or self.baseline.median.at_most or self.baseline.median.microseconds <= 0:
            return None
        return self.span.duration_us / self.baseline.median.microseconds

    @property
    def unusual(self) -> bool:
        """Tell whether it took longer than 95 of 100 such spans."""
        return self.baseline is not None and self.span.duration_us > self.baseline.p95.microseconds


@dataclass(frozen=True)
class Longest:
    """Where the critical path stayed longest: in a span, or *waiting* after it, or where nothing is recorded."""

    span: Span | None
    waiting: bool
    duration_us: int


def compare(trace: Trace, baselines: Mapping[Kind, Baseline]) -> list[Compared]:
    """Compare each span of *trace*: the furthest over its median first, those without a baseline last."""
    rows = []
    for node in walk(grow(trace)):
        span = node.span
        baseline = baselines.get((span.service, span.name))
        over = deviation(span.duration_us, baseline.median) if baseline else None
        rows.append(Compared(span, self_time(node), baseline, over))
    return sorted(rows, key=lambda row: -float("inf") if row.deviation_us is None else row.deviation_us, reverse=True)


def deviation(duration_us: float, median: Quantile) -> float:
    """Microseconds by which *duration_us* differs from *median*; 0 where the median is a bound and it is within."""
    over = duration_us - median.microseconds
    if median.at_most:
        return max(0.0, over)
    return min(0.0, over) if median.at_least else over


def longest(trace: Trace) -> Longest:
    """Find where the critical path of *trace* stayed longest."""
    totals: dict[tuple[str, bool], int] = defaultdict(int)
    spans: dict[str, Span] = {}
    for part in critical_path(grow(trace)):
        key = part.node.span.span_id if part.node else ""
        totals[key, part.waiting] += part.duration_us
        if part.node:
            spans[key] = part.node.span
    (key, waiting), duration = max(totals.items(), key=lambda item: item[1], default=(("", True), 0))
    return Longest(spans.get(key), waiting, duration)


def sentence(trace: Trace, rows: list[Compared]) -> str:
    """Say where the time of the decision and of the whole *trace* went, and how long that usually takes."""
    decision, most = next(decisions(trace), None), longest(trace)
    whole_us = trace.end_us - trace.start_us
    if decision is None:
        said = _whole(whole_us, most, rows)
    elif decision.longest.span is most.span and not most.waiting:
        share = most.duration_us / max(1, whole_us)
        said = f"{_decided(decision, rows)}; that is {share:.0%} of the {microseconds(whole_us)} in all"
    else:
        said = f"{_decided(decision, rows)}; {_whole(whole_us, most, rows)}"
    return f"{said[0].upper()}{said[1:]}."


def _decided(decision: Decision, rows: list[Compared]) -> str:
    step = decision.longest
    took = f"the decision took {microseconds(decision.span.duration_us)}, {microseconds(step.self_us)} of it"
    return f"{took} in {step.span.label}, {_usually(step.span, rows)}"


def _whole(whole_us: int, most: Longest, rows: list[Compared]) -> str:
    begin = f"of the {microseconds(whole_us)} in all {microseconds(most.duration_us)} went into "
    span = most.span
    if span is None:
        return f"{begin}time that no span covers"
    where = f"{span.label} of {span.service}"
    if not most.waiting:
        return f"{begin}{where}, {_usually(span, rows)}"
    bus = f"waiting on the bus ({span.sends_to})" if span.sends_to else "waiting for something that is not recorded"
    return f"{begin}{bus} after {where}"


def _usually(span: Span, rows: list[Compared]) -> str:
    baseline = next((row.baseline for row in rows if row.span is span), None)
    if baseline is None:
        return "which has no history"
    median = baseline.median
    bound = "at most " if median.at_most else "over " if median.at_least else ""
    return f"which usually takes {bound}{microseconds(median.microseconds)}"


def bounded(quantile: Quantile) -> str:
    """Write *quantile*, with a sign where it is only a bound."""
    sign = "<= " if quantile.at_most else "> " if quantile.at_least else ""
    return f"{sign}{microseconds(quantile.microseconds)}"


def cells(row: Compared) -> tuple[str, ...]:
    """Write what is compared, in the order of COLUMNS from the third on."""
    took = (microseconds(row.span.duration_us), microseconds(row.self_us))
    if row.baseline is None or row.deviation_us is None:
        return (*took, "", "", "", "", "no history")
    over = f"{'+' if row.deviation_us > 0 else ''}{microseconds(row.deviation_us)}" if row.deviation_us else ""
    times = f"{row.times:,.1f}" if row.times is not None else ""
    count = f"{row.baseline.count:,.0f}{'*' if row.baseline.later else ''}"
    return (*took, bounded(row.baseline.median), bounded(row.baseline.p95), over, times, count)


def notes(rows: Sequence[Compared]) -> list[str]:
    """Say what must be known to read the table."""
    said = []
    if any(row.baseline and row.baseline.later for row in rows):
        said.append("* From the most recent hour: no such spans in the hour before this trace.")
    if unknown := sum(row.baseline is None for row in rows):
        said.append(f"{unknown} of {len(rows)} spans have no history in either hour.")
    return said
