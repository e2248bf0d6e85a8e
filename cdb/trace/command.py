"""`cdb trace`: from a slow decision to where its time went, and how long that usually takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Final

import typer

from cdb.kit.failures import exit_codes
from cdb.kit.options import JsonOption, duration
from cdb.kit.output import console, print_json
from cdb.running.stack import running_stack
from cdb.trace.baseline import baselines_for
from cdb.trace.comparison import compare
from cdb.trace.decisions import slowest
from cdb.trace.find import find
from cdb.trace.jaeger import Jaeger
from cdb.trace.view import comparison_as_json, show_comparison, show_slow, slow_as_json, trace_as_json
from cdb.trace.waterfall import draw
from services.clock import WallClock
from services.durations import written

group = typer.Typer(help="Look at stored traces: slow, failed and rejected decisions.", no_args_is_help=True)
IdArgument = Annotated[str, typer.Argument(help="The trace's id, or its first 4 or more digits.", metavar="ID")]
_LONGEST: Final = timedelta(days=7)
_MICROSECOND: Final = timedelta(microseconds=1)


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(group, name="trace")


@group.command()
def slow(
    over: Annotated[
        str, typer.Option(metavar="TIME", help="Only decisions that took longer than this: 50ms, 1.5s.")
    ] = "50ms",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Only decisions of this last while: 90s, 15m, 2h, 1d.")
    ] = "15m",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Show at most this many, the slowest.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the slowest decisions, slowest first, each with the step that took most of its time.

    The time of a decision is the duration of its span risk.decide. Traces appear after about 15 s. Decisions over
    50 ms (CDB_SLOW_DECISION_MS) are always stored, faster ones are sampled.

    Exit code: 0 shown, even if there are none, 2 a wrong option, 3 Jaeger did not answer.

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
    """Draw a trace: which service worked when, which messages waited on the bus, and the critical path.

    The critical path is what the trace was waiting for at each moment. The column `itself` is the time of a span
    without the spans below it.

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
    """Compare a trace with its history: each span beside the median and p95 of such spans in the hour before.

    The span furthest over its median comes first. The history counts every span, including those of traces that were
    not stored. Without spans in the hour before, the last hour is used.

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
