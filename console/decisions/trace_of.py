"""The stored trace of a decision, found by the ids that its spans carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cdb.trace.decisions import decisions
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import Span, Trace
from services.topology import RISK

APPEARS_AFTER: Final = timedelta(seconds=15)
STORED_FOR: Final = timedelta(days=1)
_AROUND: Final = timedelta(minutes=1)
"""A trace begins at most so long before its decision, or after: clocks of machines differ."""


@dataclass(frozen=True)
class Found:
    """A decision's trace, and how long what is in it took, in microseconds. Without a decision *took_us* is None."""

    trace_id: str
    kept: str
    took_us: int | None = None
    layers: Mapping[int, int] | None = None
    steps: tuple[tuple[str, int], ...] = ()


def trace_of(jaeger: Jaeger, tags: Mapping[str, str], *, at: datetime) -> Found | None:
    """Find the trace of what was decided *at*, whose span has *tags*; None if none is stored. Raises Away."""
    begin, end = ((at + side * _AROUND).timestamp() for side in (-1, 1))
    found = jaeger.find(RISK.name, start_us=int(begin * 1e6), end_us=int(end * 1e6), limit=2, tags=tags)
    return timed(found[0], tags) if found else None


def timed(trace: Trace, tags: Mapping[str, str]) -> Found:
    """Say how long each step of the decision with *tags* took in *trace*."""
    for decision in decisions(trace):
        span = decision.span
        if all(span.text(name) == value for name, value in tags.items()):
            below = [
                other for other in trace.spans if other.parent_id == span.span_id and other.name.startswith("risk.")
            ]
            below.sort(key=lambda other: other.start_us)
            layers = {number: other.duration_us for other in below if (number := _layer(other))}
            steps = tuple((other.name, other.duration_us) for other in below if not _layer(other))
            return Found(trace.trace_id, trace.kept, span.duration_us, layers, steps)
    return Found(trace.trace_id, trace.kept)


def _layer(span: Span) -> int | None:
    number = span.attributes.get("cdb.layer")
    return number if span.name == "risk.layer" and isinstance(number, int) else None


def why_missing(age: timedelta) -> str:
    """Say why there may be no trace of what was decided so long ago."""
    if age < APPEARS_AFTER:
        return "Its trace is not here yet: traces appear after about 15 s."
    if age > STORED_FOR:
        return "Its trace is no longer stored: Jaeger keeps traces for a day."
    return (
        "Its trace was not kept. The collector keeps slow, failed and rejected decisions and what operators did up to"
        " a rate limit, those that a point on a chart leads to, and a share of the others (5 %)."
    )
