"""Show slow decisions and what is unusual about a trace, to a person and to a program.

In JSON durations are milliseconds and times ISO 8601.
"""

from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdb.kit.printable import cut, printable
from cdb.trace.decisions import Decision, Slowest
from cdb.trace.durations import shown
from cdb.trace.explained import Compared, bounded, sentence
from cdb.trace.model import Span, Trace
from cdb.trace.path import critical_path
from cdb.trace.tree import grow, self_time, walk
from cdb.trace.usual import Quantile
from cdb.trace.waterfall import remarks, waiting_before

_WIDE: Final = 140


def show_slow(found: Slowest, console: Console, *, over: str, since: str) -> None:
    """Print the slowest decisions as a table."""
    if not found.decisions:
        console.print(f"No decision that was kept took longer than {over} in the last {since}.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("time (UTC)", "symbol", "side", "verdict", "reason", "took", "most of it", "kept", "trace"):
        # A narrow terminal folds the two that can be; the id must stay whole enough to be copied.
        folds, right = title in {"reason", "most of it"}, title == "took"
        table.add_column(title, no_wrap=not folds, overflow="fold", justify="right" if right else "left")
    digits = 32 if console.width >= _WIDE else 8
    for one in found.decisions:
        span = one.span
        words = [Text(cut(printable(span.text(f"cdb.{name}")), 24)) for name in ("symbol", "side", "verdict", "reason")]
        most = f"{shown(one.most.self_us)} {one.most.span.label}"
        kept = Text(printable(one.trace.kept))
        when = f"{_moment(span.start_us):%m-%d %H:%M:%S}"
        table.add_row(when, *words, shown(span.duration_us), Text(printable(most)), kept, one.trace.trace_id[:digits])
    console.print(table)
    if not found.complete:
        console.print("There are more than could be looked at: a shorter --since or a longer --over finds them all.")


def slow_as_json(found: Slowest, *, over_us: int, since_us: int) -> dict[str, Any]:
    """Return the slowest decisions for a program."""
    return {
        "over_ms": over_us / 1000,
        "since_s": since_us / 1e6,
        "complete": found.complete,
        "decisions": [_decision(one) for one in found.decisions],
    }


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "trace_id": one.trace.trace_id,
        "time": _moment(one.span.start_us).isoformat(),
        **{name: one.span.text(f"cdb.{name}") or None for name in ("signal_id", "symbol", "side", "verdict", "reason")},
        "duration_ms": one.span.duration_us / 1000,
        "most": {
            "span": one.most.span.name,
            "service": one.most.span.service,
            "self_ms": one.most.self_us / 1000,
        },
        "kept": one.trace.kept or None,
    }


def trace_as_json(trace: Trace) -> dict[str, Any]:
    """Return the tree and the critical path of *trace* for a program; offsets are from its first span."""
    roots = grow(trace)
    spans = []
    for node in walk(roots):
        wait = waiting_before(node)
        spans.append(
            {
                **_span(node.span, trace.start_us),
                "parent_id": node.span.parent_id or None,
                "depth": node.depth,
                "self_ms": self_time(node) / 1000,
                "waited_on_bus_ms": (wait[2] - wait[1]) / 1000 if wait else None,
                "orphan": node.orphan,
                "failed": node.span.failed,
                "attributes": node.span.attributes,
            }
        )
    path = [
        {
            "span_id": part.node.span.span_id if part.node else None,
            "span": part.node.span.name if part.node else None,
            "waiting": part.waiting,
            "offset_ms": (part.begin_us - trace.start_us) / 1000,
            "duration_ms": part.duration_us / 1000,
        }
        for part in critical_path(roots)
    ]
    return {**_trace(trace), "remarks": remarks(trace), "spans": spans, "critical_path": path}


def show_explained(trace: Trace, rows: list[Compared], console: Console) -> None:
    """Print *trace* against the usual, and in one sentence where its time went."""
    console.print(Text.assemble(("trace ", "dim"), trace.trace_id, ("  kept: ", "dim"), printable(trace.kept or "?")))
    console.print(Text(printable(sentence(trace, rows)), "bold"), soft_wrap=True)
    console.print()
    table = Table(box=None, pad_edge=False)
    for title in ("service", "span", "took", "itself", "median", "p95", "over median", "times", "of"):
        table.add_column(title, no_wrap=True, justify="left" if title in {"service", "span"} else "right")
    for row in rows:
        names = (Text(printable(name)) for name in (row.span.service, row.span.label))
        table.add_row(*names, *_cells(row), style=_style(row))
    console.print(table)
    console.print()
    if any(row.usual and row.usual.later for row in rows):
        console.print(
            "* Nothing is known of the hour before this trace: of these, the last hour is shown.", style="dim"
        )
    if unknown := sum(row.usual is None for row in rows):
        console.print(f"Of {unknown} of {len(rows)} spans there is no history in the last hour.", style="dim")


def explained_as_json(trace: Trace, rows: list[Compared]) -> dict[str, Any]:
    """Return *trace* against the usual for a program; a span without history has null for it."""
    spans = [
        {
            **_span(row.span, trace.start_us),
            "self_ms": row.self_us / 1000,
            "median": _quantile(row.usual.median if row.usual else None),
            "p95": _quantile(row.usual.p95 if row.usual else None),
            "count": round(row.usual.count) if row.usual else 0,
            "usual_of": None if row.usual is None else "last hour" if row.usual.later else "hour before",
            "over_median_ms": None if row.deviation_us is None else row.deviation_us / 1000,
        }
        for row in rows
    ]
    return {**_trace(trace), "sentence": sentence(trace, rows), "spans": spans}


def _cells(row: Compared) -> tuple[str, ...]:
    took = (shown(row.span.duration_us), shown(row.self_us))
    if row.usual is None or row.deviation_us is None:
        return (*took, "", "", "", "", "no history")
    over = f"{'+' if row.deviation_us > 0 else ''}{shown(row.deviation_us)}" if row.deviation_us else ""
    times = f"{row.times:,.1f}" if row.times is not None else ""
    count = f"{row.usual.count:,.0f}{'*' if row.usual.later else ''}"
    return (*took, bounded(row.usual.median), bounded(row.usual.p95), over, times, count)


def _style(row: Compared) -> str:
    if row.usual is None:
        return "dim"
    return "bold red" if row.span.duration_us > row.usual.p95.microseconds else ""


def _trace(trace: Trace) -> dict[str, Any]:
    return {
        "trace_id": trace.trace_id,
        "time": _moment(trace.start_us).isoformat(),
        "duration_ms": (trace.end_us - trace.start_us) / 1000,
        "kept": trace.kept or None,
    }


def _span(span: Span, zero_us: int) -> dict[str, Any]:
    return {
        "span_id": span.span_id,
        "service": span.service,
        "span": span.name,
        "offset_ms": (span.start_us - zero_us) / 1000,
        "duration_ms": span.duration_us / 1000,
    }


def _quantile(quantile: Quantile | None) -> dict[str, Any] | None:
    if quantile is None:
        return None
    bound = "at_most" if quantile.at_most else "at_least" if quantile.at_least else "about"
    return {"ms": quantile.microseconds / 1000, "bound": bound}


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
