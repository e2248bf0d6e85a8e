"""Traces that are worth a look: slow, failed and rejected decisions of a stretch of time that ends now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from cdb.trace.comparison import longest
from cdb.trace.decisions import decisions, slowest
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import DECISION, Trace
from cdb.trace.tree import grow, walk
from cdb.trace.waterfall import about
from services.topology import RISK

Kind = Literal["slow", "failed", "rejected"]
MOST: Final = 100
"""Shown; it is also what Jaeger is asked for at once, so that an answer stays about 1 MB."""
_FAILED: Final = {"error": "true"}
_REJECTED: Final = {"cdb.verdict": "rejected"}


@dataclass(frozen=True)
class Row:
    """One trace. *took_us* is its decision's duration, None without one; *whole_us* includes waiting on the bus."""

    trace_id: str
    at: datetime
    took_us: int | None
    whole_us: int
    longest: str
    longest_us: int
    symbol: str
    side: str
    verdict: str
    reason: str
    name: str
    failure: str
    kept: str


@dataclass(frozen=True)
class Rows:
    """Traces. Not *complete*: there are more than were looked at."""

    rows: tuple[Row, ...]
    complete: bool


def find(jaeger: Jaeger, kind: Kind, *, over_us: int, start_us: int, end_us: int) -> Rows:
    """Find traces of one *kind*: slow ones slowest first, others newest first. Raises Away."""
    if kind == "slow":
        found = slowest(jaeger, over_us=over_us, start_us=start_us, end_us=end_us, limit=MOST, page_size=MOST)
        return Rows(tuple(row_of(decision.trace) for decision in found.decisions), found.complete)
    if kind == "rejected":
        page = jaeger.find(RISK.name, operation=DECISION, start_us=start_us, end_us=end_us, limit=MOST, tags=_REJECTED)
        return _newest_first(page, complete=len(page) < MOST)
    pages = [
        jaeger.find(service, start_us=start_us, end_us=end_us, limit=MOST, tags=_FAILED)
        for service in jaeger.services()
    ]
    return _newest_first((trace for page in pages for trace in page), complete=all(len(page) < MOST for page in pages))


def _newest_first(traces: Iterable[Trace], *, complete: bool) -> Rows:
    rows = {trace.trace_id: row_of(trace) for trace in traces}
    newest = sorted(rows.values(), key=lambda row: row.at, reverse=True)
    return Rows(tuple(newest[:MOST]), complete and len(newest) <= MOST)


def row_of(trace: Trace) -> Row:
    """Say of *trace* what a list shows: its first decision, if it has one, and where most of the time went."""
    said, decision = about(trace), next(decisions(trace), None)
    if decision is not None:
        step, step_us = decision.longest.span.label, decision.longest.self_us
    else:
        most = longest(trace)
        step, step_us = (most.span.label if most.span else ""), most.duration_us
        step = f"waiting after {step}" if most.waiting else step
    return Row(
        trace_id=trace.trace_id,
        at=datetime.fromtimestamp((decision.span if decision else trace).start_us / 1e6, UTC),
        took_us=decision.span.duration_us if decision else None,
        whole_us=trace.end_us - trace.start_us,
        longest=step,
        longest_us=step_us,
        symbol=said.get("cdb.symbol", ""),
        side=said.get("cdb.side", ""),
        verdict=said.get("cdb.verdict", ""),
        reason=said.get("cdb.reason", ""),
        name=said.get("cdb.signal_id") or said.get("cdb.order_id", ""),
        failure=", ".join(dict.fromkeys(_failures(trace))),
        kept=trace.kept,
    )


def _failures(trace: Trace) -> Iterator[str]:
    for node in walk(grow(trace)):
        if node.span.failed:
            why = node.span.text("error.type") or node.span.text("otel.status_description")
            yield f"{node.span.service} {node.span.label}{': ' if why else ''}{why}"
