"""`cdb trace`: from a slow decision to where its time went, and what is usual there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from cdb.kit.failures import AWAY, exit_codes, fail
from cdb.kit.prometheus import Prometheus, PrometheusAway, QueryRefused
from cdb.running.stack import running_stack
from cdb.stack import view
from cdb.stack.command import JsonOption
from cdb.trace import durations
from cdb.trace.decisions import slowest
from cdb.trace.explained import compare
from cdb.trace.find import NoSuchTrace, find
from cdb.trace.jaeger import Jaeger, JaegerAway
from cdb.trace.listed import explained_as_json, show_explained, show_slow, slow_as_json, trace_as_json
from cdb.trace.model import Trace
from cdb.trace.usual import usual_for
from cdb.trace.waterfall import draw
from services.clock import WallClock

group = typer.Typer(
    help="Look at the traces that were kept: slow, failed and rejected decisions.", no_args_is_help=True
)
IdArgument = Annotated[str, typer.Argument(help="The trace's id, or the first 4 or more digits of it.", metavar="ID")]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(group, name="trace")


@group.command()
def slow(
    over: Annotated[str, typer.Option(help="Only decisions that took longer: 50ms, 1.5s.")] = "50ms",
    since: Annotated[str, typer.Option(help="Only of the last: 90s, 15m, 2h, 1d.")] = "15m",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Show at most so many, the slowest.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the slowest decisions, the slowest first, each with the step that took most of its time.

    A decision's time is that of its span risk.decide. A trace is here about 15 seconds after it happened. All that
    took over 50 ms were kept (CDB_SLOW_DECISION_MS), of faster ones only a share.

    Exit code: 0 shown, also if there are none, 2 a wrong option, 3 Jaeger did not answer.

    Example: cdb trace slow --over 100ms --since 1h
    """
    over_us, since_us = _duration("--over", over), _duration("--since", since)
    now_us = _now_us()
    with _jaeger() as jaeger:
        found = slowest(jaeger, over_us=over_us, start_us=now_us - since_us, end_us=now_us, limit=limit)
    if as_json:
        typer.echo(json.dumps(slow_as_json(found, over_us=over_us, since_us=since_us)))
    else:
        show_slow(found, view.console(), over=over, since=since)


@group.command()
def show(trace_id: IdArgument, as_json: JsonOption = False) -> None:
    """Draw a trace: who was at work when, what waited on the bus, and the critical path.

    The critical path is what the end of the trace waited for at each moment. `itself` is the time of a span in which
    none of those below it ran.

    Exit code: 0 shown, 1 there is no such trace, 3 Jaeger did not answer.

    Example: cdb trace show 2c46d078
    """
    with _jaeger() as jaeger:
        trace = _found(jaeger, trace_id)
    if as_json:
        typer.echo(json.dumps(trace_as_json(trace)))
    else:
        draw(trace, view.console())


@group.command()
def explain(trace_id: IdArgument, as_json: JsonOption = False) -> None:
    """Put a trace against the usual: each span beside the median and p95 of such spans in the hour before it.

    Where nothing is known of that hour, it is the last hour. The span furthest over its median comes first. What is
    usual is known of all spans, not only of those that were kept.

    Exit code: 0 shown, 1 there is no such trace, 3 Jaeger or Prometheus did not answer.

    Example: cdb trace explain 2c46d078
    """
    with _jaeger() as jaeger:
        trace = _found(jaeger, trace_id)
    with exit_codes(), _prometheus() as prometheus:
        rows = compare(trace, usual_for(prometheus, began=trace.start_us / 1e6, now=_now_us() / 1e6))
    if as_json:
        typer.echo(json.dumps(explained_as_json(trace, rows)))
    else:
        show_explained(trace, rows, view.console())


@contextmanager
def _jaeger() -> Iterator[Jaeger]:
    with exit_codes():
        url = running_stack().url("jaeger")
    try:
        with Jaeger(url) as jaeger:
            yield jaeger
    except JaegerAway as away:
        fail(f"{away}: `cdb status` shows what runs", code=AWAY)


@contextmanager
def _prometheus() -> Iterator[Prometheus]:
    try:
        with running_stack().prometheus as prometheus:
            yield prometheus
    except (PrometheusAway, QueryRefused) as away:
        fail(f"{away}: `cdb status` shows what runs", code=AWAY)


def _found(jaeger: Jaeger, trace_id: str) -> Trace:
    try:
        return find(jaeger, trace_id, now_us=_now_us())
    except NoSuchTrace as error:
        fail(str(error))


def _duration(option: str, text: str) -> int:
    try:
        return durations.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {error}") from error


def _now_us() -> int:
    return WallClock().now_ns() // 1000
