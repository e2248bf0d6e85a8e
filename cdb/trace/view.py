"""Show slow decisions and comparisons, to people and to programs.

In JSON durations are milliseconds and times ISO 8601.
"""

from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from cdb.kit.figures import microseconds
from cdb.kit.output import plain_table
from cdb.kit.printable import cut, printable
from cdb.trace.baseline import Quantile
from cdb.trace.comparison import COLUMNS, Compared, cells, notes, sentence
from cdb.trace.critical_path import critical_path
from cdb.trace.decisions import Decision, Slowest
from cdb.trace.drawing import title
from cdb.trace.model import Span, Trace
from cdb.trace.tree import grow, self_time, walk
from cdb.trace.waterfall import remarks, waiting_before

_WIDE: Final = 140


def show_slow(found: Slowest, console: Console, *, over: str, since: str) -> None:
    """Print the slowest decisions as a table."""
    if not found.decisions:
        console.print(f"No stored decision of the last {since} took longer than {over}.")
        return
    table = plain_table()
    table.show_header = True
    for name in ("time (UTC)", "symbol", "side", "verdict", "reason", "took", "longest step", "kept", "trace"):
        # A narrow terminal folds the two that can be; the id must stay whole enough to be copied.
        folds, right = name in {"reason", "longest step"}, name == "took"
        table.add_column(name, no_wrap=not folds, overflow="fold", justify="right" if right else "left")
    digits = 32 if console.width >= _WIDE else 8
    for decision in found.decisions:
        span, trace = decision.span, decision.trace
        words = [Text(cut(printable(span.text(f"cdb.{name}")), 24)) for name in ("symbol", "side", "verdict", "reason")]
        step = Text(printable(f"{microseconds(decision.longest.self_us)} {decision.longest.span.label}"))
        when, took = f"{_moment(span.start_us):%m-%d %H:%M:%S}", microseconds(span.duration_us)
        table.add_row(when, *words, took, step, Text(printable(trace.kept)), trace.trace_id[:digits])
    console.print(table)
    if not found.complete:
        console.print("Too many decisions to search them all: use a shorter --since or a longer --over.")


def slow_as_json(found: Slowest, *, over_us: int, since_us: int) -> dict[str, Any]:
    """Slowest decisions for a program."""
    return {
        "over_ms": over_us / 1000,
        "since_s": since_us / 1e6,
        "complete": found.complete,
        "decisions": [_decision(decision) for decision in found.decisions],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    span, step = decision.span, decision.longest
    return {
        "trace_id": decision.trace.trace_id,
        "time": _moment(span.start_us).isoformat(),
        **{name: span.text(f"cdb.{name}") or None for name in ("signal_id", "symbol", "side", "verdict", "reason")},
        "duration_ms": span.duration_us / 1000,
        "most": {"span": step.span.name, "service": step.span.service, "self_ms": step.self_us / 1000},
        "kept": decision.trace.kept or None,
    }


def trace_as_json(trace: Trace) -> dict[str, Any]:
    """Tree and the critical path of *trace* for a program; offsets are from its first span."""
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


def show_comparison(trace: Trace, rows: list[Compared], console: Console) -> None:
    """Print *trace* beside its baselines, and in one sentence where its time went."""
    console.print(title(trace))
    console.print(Text(printable(sentence(trace, rows)), "bold"), soft_wrap=True)
    console.print()
    table = plain_table()
    table.show_header = True
    for name in COLUMNS:
        table.add_column(name, no_wrap=True, justify="left" if name in {"service", "span"} else "right")
    for row in rows:
        names = (Text(printable(name)) for name in (row.span.service, row.span.label))
        table.add_row(*names, *cells(row), style=_style(row))
    console.print(table)
    console.print()
    for note in notes(rows):
        console.print(note, style="dim")


def comparison_as_json(trace: Trace, rows: list[Compared]) -> dict[str, Any]:
    """*trace* beside its baselines for a program; a span without history has null for them."""
    spans = [
        {
            **_span(row.span, trace.start_us),
            "self_ms": row.self_us / 1000,
            "median": _quantile(row.baseline.median if row.baseline else None),
            "p95": _quantile(row.baseline.p95 if row.baseline else None),
            "count": round(row.baseline.count) if row.baseline else 0,
            "usual_of": None if row.baseline is None else "last hour" if row.baseline.later else "hour before",
            "over_median_ms": None if row.deviation_us is None else row.deviation_us / 1000,
        }
        for row in rows
    ]
    return {**_trace(trace), "sentence": sentence(trace, rows), "spans": spans}


def _style(row: Compared) -> str:
    if row.baseline is None:
        return "dim"
    return "bold red" if row.unusual else ""


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


def _moment(since_1970_us: int) -> datetime:
    return datetime.fromtimestamp(since_1970_us / 1e6, UTC)
