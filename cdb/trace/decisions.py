"""The slowest decisions: how long each took, and where most of it went."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from cdb.trace.model import DECISION, Span, Trace
from cdb.trace.tree import Node, grow, self_time, walk

RISK: Final = "cdb_risk"
PAGE: Final = 1_000  # traces of a question, about 10 MB of JSON


@dataclass(frozen=True)
class Most:
    """What took most of a decision's time by itself, in microseconds."""

    span: Span
    self_us: int


@dataclass(frozen=True)
class Decision:
    """One risk.decide, and the trace that it is in."""

    trace: Trace
    span: Span
    most: Most


@dataclass(frozen=True)
class Slowest:
    """The slowest decisions, the slowest first. Not *complete*: there are more than could be looked at."""

    decisions: tuple[Decision, ...]
    complete: bool


class Finder(Protocol):
    """What is asked for traces."""

    def find(
        self, service: str, *, start_us: int, end_us: int, limit: int, operation: str = "", least_us: int = 0
    ) -> tuple[Trace, ...]:
        """Return the newest traces, at most *limit*; *least_us* need not be that of the *operation*."""
        ...


def slowest(jaeger: Finder, *, over_us: int, start_us: int, end_us: int, limit: int, page_size: int = PAGE) -> Slowest:
    """Find at most *limit* decisions that took longer than *over_us* in traces that began between two times.

    Jaeger compares a duration with those of all spans of a trace, and gives the newest, not the slowest: so each
    decision's own is looked at here, and where there are too many, it is asked again for slower ones.
    """
    found: dict[tuple[str, str], Decision] = {}
    least_us = over_us
    while True:
        page = jaeger.find(
            RISK, operation=DECISION, least_us=least_us, start_us=start_us, end_us=end_us, limit=page_size
        )
        found |= {(one.trace.trace_id, one.span.span_id): one for trace in page for one in decisions(trace)}
        if len(page) < page_size:
            break
        least_us *= 2
    slow = sorted((one for one in found.values() if one.span.duration_us > over_us), key=_duration, reverse=True)
    certain = [one for one in slow if one.span.duration_us >= least_us]
    return Slowest(tuple(slow[:limit]), complete=least_us == over_us or len(certain) >= limit)


def decisions(trace: Trace) -> Iterator[Decision]:
    """Yield each decision in *trace*: one, unless something is wrong."""
    for node in walk(grow(trace)):
        if node.span.name == DECISION:
            yield Decision(trace, node.span, most_below(node))


def most_below(decision: Node) -> Most:
    """Return what took most of the time of *decision* by itself, a span below it or it.

    What it led to after it had ended is none of its time.
    """
    within = (decision.span.start_us, decision.span.end_us)
    below = [Most(node.span, self_time(node, within)) for node in walk(decision.children)]
    return max([*below, Most(decision.span, self_time(decision))], key=lambda one: one.self_us)


def _duration(decision: Decision) -> int:
    return decision.span.duration_us
