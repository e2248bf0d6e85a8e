"""The slowest decisions: how long each took, and which step took most of it."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from cdb.trace.model import DECISION, Span, Trace
from cdb.trace.tree import Node, grow, self_time, walk
from services.topology import RISK

PAGE: Final = 1_000  # traces of a question, about 10 MB of JSON


@dataclass(frozen=True)
class LongestStep:
    """The step of a decision that took most of its time, not counting the spans below that step. Microseconds."""

    span: Span
    self_us: int


@dataclass(frozen=True)
class Decision:
    """One risk.decide, and the trace that it is in."""

    trace: Trace
    span: Span
    longest: LongestStep


@dataclass(frozen=True)
class Slowest:
    """The slowest decisions, slowest first. Not *complete*: there were more than could be looked at."""

    decisions: tuple[Decision, ...]
    complete: bool


class Finder(Protocol):
    """Finds traces: Jaeger's client, or a fake."""

    def find(
        self, service: str, *, start_us: int, end_us: int, limit: int, operation: str = "", least_us: int = 0
    ) -> tuple[Trace, ...]:
        """Find the newest traces, at most *limit*; a span other than the *operation* may last *least_us*."""
        ...


def slowest(jaeger: Finder, *, over_us: int, start_us: int, end_us: int, limit: int, page_size: int = PAGE) -> Slowest:
    """Find at most *limit* decisions that took longer than *over_us* in traces that began between two times.

    Jaeger compares a duration with every span of a trace, and gives the newest traces, not the slowest. So this looks
    at each decision's own duration, and where there are too many asks again for such as would still be among the first.
    """
    found: dict[tuple[str, str], Decision] = {}
    least_us = over_us
    while True:
        page = jaeger.find(
            RISK.name, operation=DECISION, least_us=least_us, start_us=start_us, end_us=end_us, limit=page_size
        )
        found |= {(trace.trace_id, made.span.span_id): made for trace in page for made in decisions(trace)}
        if len(page) < page_size:
            break
        best = heapq.nlargest(limit, map(_duration, found.values()))
        least_us = max(2 * least_us, best[-1] if len(best) == limit else 0)
    slow = sorted((made for made in found.values() if made.span.duration_us > over_us), key=_duration, reverse=True)
    certain = [made for made in slow if made.span.duration_us >= least_us]
    return Slowest(tuple(slow[:limit]), complete=least_us == over_us or len(certain) >= limit)


def decisions(trace: Trace) -> Iterator[Decision]:
    """Find each decision in *trace*: one, unless something is wrong."""
    for node in walk(grow(trace)):
        if node.span.name == DECISION:
            yield Decision(trace, node.span, longest_step(node))


def longest_step(decision: Node) -> LongestStep:
    """Find the step that took most of the time of *decision*: a span below it, or the decision itself.

    Time after the decision has ended does not count.
    """
    within = (decision.span.start_us, decision.span.end_us)
    below = [LongestStep(node.span, self_time(node, within)) for node in walk(decision.children)]
    return max([*below, LongestStep(decision.span, self_time(decision))], key=lambda step: step.self_us)


def _duration(decision: Decision) -> int:
    return decision.span.duration_us
