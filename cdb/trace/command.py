"""`cdb trace`: from a slow decision to where its time went, and how long that usually takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Final

import typer

from cdb.kit.failures import exit_codes
from cdb.kit.help import MONITORING
from cdb.kit.options import JsonOption, duration
from cdb.kit.output import console, print_json
from cdb.running.stack import running_stack
from cdb.trace.baseline import baselines_for
from cdb.trace.comparison import compare
from cdb.trace.decisions import slowest
from cdb.trace.drawing import draw
from cdb.trace.find import find
from cdb.trace.jaeger import Jaeger
from cdb.trace.view import comparison_as_json, show_comparison, show_slow, slow_as_json, trace_as_json
from services.clock import WallClock
from services.durations import written

group = typer.Typer(help="Inspect stored traces: slow, failed and rejected decisions.", no_args_is_help=True)
IdArgument = Annotated[str, typer.Argument(help="Trace ID, or at least its first 4 characters.", metavar="ID")]
_LONGEST: Final = timedelta(days=7)
_MICROSECOND: Final = timedelta(microseconds=1)


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(group, name="trace", rich_help_panel=MONITORING)


@group.command()
def slow(
    over: Annotated[
        str, typer.Option(metavar="TIME", help="Only decisions that took longer than this, such as 50ms or 1.5s.")
    ] = "50ms",
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back to look, such as 15m, 2h or 1d.")] = "15m",
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Show at most the slowest N.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the slowest decisions, slowest first, each with its longest step.

    A decision's duration is the duration of its span risk.decide. Traces appear after about 15 s. Jaeger stores slow
    (over 50 ms, CDB_SLOW_DECISION_MS), failed and rejected decisions up to a rate limit, and a sample of the others.

    Exit code: 0 shown, even if there are none, 2 invalid option, 3 Jaeger did not answer.

    Example: cdb trace slow --over 100ms --since 1h
    """
    longer, back = duration("--over", over, most=_LONGEST), duration("--since", since, most=_LONGEST)
    over_us, since_us, now_us = longer // _MICROSECOND, back // _MICROSECOND, _now_us()
    with _jaeger() as jaeger:
        found = slowest(jaeger, over_us=over_us, start_us=now_us - since_us, end_us=now_us, limit=limit)
    if as_json:
        print_json(slow_as_json(found, over_us=over_us, since_us=since_us))
    else:
        show_slow(found, console(), over=written(longer), since=written(back))


@group.command()
def show(trace_id: IdArgument, as_json: JsonOption = False) -> None:
    """Draw a trace as a timeline: what each service did, how long messages waited on the bus, and the critical path.

    The critical path is the chain of steps that determined the total time. The column "self time" is a span's own time,
    without its children.

    Exit code: 0 shown, 1 there is no such trace, 3 Jaeger did not answer.

    Example: cdb trace show 2c46d078
    """
    with _jaeger() as jaeger:
        trace = find(jaeger, trace_id, now_us=_now_us())
    if as_json:
        print_json(trace_as_json(trace))
    else:
        draw(trace, console())


@group.command()
def explain(trace_id: IdArgument, as_json: JsonOption = False) -> None:
    """Compare each span of a trace with the median and p95 of the same span in the hour before the trace.

    The span furthest over its median comes first. The comparison uses all spans, including those of traces that were
    not stored. If that hour has no such span, the comparison uses the most recent hour (marked *).

    Exit code: 0 shown, 1 there is no such trace, 3 Jaeger or Prometheus did not answer.

    Example: cdb trace explain 2c46d078
    """
    with _jaeger() as jaeger:
        trace = find(jaeger, trace_id, now_us=_now_us())
    with exit_codes(), running_stack().prometheus as prometheus:
        rows = compare(trace, baselines_for(prometheus, began=trace.start_us / 1e6, now=_now_us() / 1e6))
    if as_json:
        print_json(comparison_as_json(trace, rows))
    else:
        show_comparison(trace, rows, console())


@contextmanager
def _jaeger() -> Iterator[Jaeger]:
    with exit_codes(), Jaeger(running_stack().url("jaeger")) as jaeger:
        yield jaeger


def _now_us() -> int:
    return WallClock().now_ns() // 1000
