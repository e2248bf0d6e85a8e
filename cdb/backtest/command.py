"""`cdb backtest`: recorded trades through the bot's own handlers in this process, as fast as they go."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from cdb.backtest.grid import MOST_COMBINATIONS, MOST_JOBS, Grid, Wishes, grid_of
from cdb.backtest.grid_run import run_grid
from cdb.backtest.grid_view import grid_json, grid_progress, problem_of, show_grid
from cdb.backtest.outcome import FIGURES
from cdb.backtest.page import page_of
from cdb.backtest.run import Backtest, Request, run
from cdb.backtest.times import span_of
from cdb.backtest.view import as_json, show
from cdb.kit.errors import INTERRUPTED, REFUSED, USAGE
from cdb.kit.failures import exit_codes, fail
from cdb.kit.figures import moment
from cdb.kit.files import check_place, write_file
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption
from cdb.kit.output import print_json
from cdb.kit.paths import ROOT
from cdb.replay.options import (
    IntoOption,
    KeepOption,
    MaxInvalidOption,
    SettingsOption,
    SymbolOption,
    TimeUnitOption,
    as_reading,
    as_settings,
    name_to_save,
    shown_name,
    swept_replays,
)
from cdb.replay.saved import Replays
from cdb.replay.settings import chosen_settings
from cdb.replay.tape import MOST_INVALID_PERCENT, Tape, agreed, examine, seekable
from cdb.replay.view import progress_bar
from services.clock import to_datetime
from services.ws.tape.rows import Reading


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(rich_help_panel=TRADING)(backtest)


def backtest(  # noqa: PLR0913, PLR0917  one for each option
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of trades: .csv, .csv.gz, or .zip with one CSV inside; - for standard input."),
    ],
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="The same as --set CDB_STRATEGIES=NAME; several with commas.")
    ] = None,
    settings: SettingsOption = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Leave out earlier trades: 2026-01-31 or with T12:00.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Leave out trades from this time on. Times are UTC.")
    ] = None,
    keep: KeepOption = False,
    into: IntoOption = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with charts of equity, drawdown and prices.")
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE,VALUE",
            help=f"Try each value of a setting. Repeatable: all combinations, up to {MOST_COMBINATIONS:,}.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT", help=f"Combinations at once, up to {MOST_JOBS}. By default as many as processors."
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="FIGURE", help=f"Show the best first by this: {', '.join(FIGURES)}. Default: result."),
    ] = None,
    train: Annotated[
        str | None, typer.Option(metavar="T1..T2", help="Sort the grid by its results on this span of time.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(metavar="T2..T3", help="Show beside it the results on this later span.")
    ] = None,
    symbol: SymbolOption = None,
    time_unit: TimeUnitOption = None,
    max_invalid: MaxInvalidOption = MOST_INVALID_PERCENT,
    as_json_: JsonOption = False,
) -> None:
    """Test settings and strategies on files of recorded trades, in one process, with a report at the end.

    The services' own code runs here on a bus in memory, so the result is the ledger that `cdb replay` gives, row for
    row, many times as fast. The ledger has a PostgreSQL of its own; commits do not wait for its disk. Files are merged
    by time. The running stack is not touched. Settings are found as `cdb replay` finds them.

    Ctrl-C ends it early: what was traded until then is reported, and saved if you asked for that.

    --grid tries many settings, each combination in a process and a database of its own, and shows a table. What a grid
    has finished is kept: after Ctrl-C the same command goes on from there. The best of many is partly luck; --train and
    --test show how the best of one span did on the next.

    Exit code: 0 done, 1 it failed, a setting is refused, messages were lost or too many rows are invalid, 2 invalid
    option, 130 interrupted.

    Example: cdb backtest tests/data/ethusdt-trades-2023-02-02.csv --set MOMENTUM_THRESHOLD_PCT=0.00008 --html eth.html
    """
    with exit_codes(REFUSED), ExitStack() as stack:
        replays = swept_replays()
        reading = as_reading(symbol, time_unit)
        options = as_settings(settings)
        if strategy:
            if (other := options.get("CDB_STRATEGIES")) is not None:
                fail(f"--strategy {strategy} and --set CDB_STRATEGIES={other}: remove one of them", code=USAGE)
            options["CDB_STRATEGIES"] = strategy
        span = span_of(since, until)
        many = grid_of(
            Wishes(grid=grid, jobs=jobs, sort=sort, train=train, test=test),
            span,
            taken={name: f"--set {name}" for name in options} | ({"CDB_STRATEGIES": "--strategy"} if strategy else {}),
            others={"--keep": keep, "--into": into is not None, "--html": html is not None},
        )
        check_place("--html", html)
        varied = many.combinations if many else [{}]
        chosen = [chosen_settings(options, os.environ, ROOT, grid=one) for one in varied]
        save_as = name_to_save(replays, files[0], keep=keep, into=into)
        progress = stack.enter_context(progress_bar(quiet=as_json_))
        task = progress.add_task("reading", total=None)
        tapes = []
        for file in files:
            path = stack.enter_context(seekable(file, replays.directory))
            tapes.append(_examined(path, file, reading, max_invalid, progress, task))
        tapes = agreed(tapes)
        for file, tape in zip(files, tapes, strict=True):
            for note in () if as_json_ else tape.notes:
                progress.console.print(f"{shown_name(file)}: {note}", markup=False, highlight=False, soft_wrap=True)
        if many:
            progress.stop()
            _run_grid(replays, many, chosen, tapes, as_json=as_json_)
            return
        progress.reset(task, total=sum(tape.rows for tape in tapes), description="starting")
        request = Request(
            tapes=tapes, settings=chosen[0], since_ns=span.since_ns, until_ns=span.until_ns, save_as=save_as
        )
        with _interruptible() as interrupted:
            result = run(
                replays,
                request,
                lambda rows, ns: progress.update(task, completed=rows, description=moment(to_datetime(ns))),
                interrupted,
            )
        progress.stop()
        unwritten = write_file("--html", html, page_of(result, title=f"Backtest of {_named(files)}")) if html else ""
        _report(result, max_invalid, as_json_=as_json_)
        if unwritten:
            fail(unwritten)


def _named(files: list[Path]) -> str:
    return ", ".join(Path(shown_name(file)).name for file in files)


def _report(result: Backtest, max_invalid: float, *, as_json_: bool) -> None:
    """Show what came out, and end the command with an exit code that says whether it is whole."""
    if as_json_:
        print_json(as_json(result))
    else:
        show(result)
    if result.summary.problem:
        fail(result.summary.problem)
    read, refused = result.summary.trades_read, result.summary.refused
    if refused and 100 * refused >= max_invalid * read:
        fail(f"{refused:,} of {read:,} rows are no valid trades once the files are merged: do they overlap?")
    if result.ended_at_ns is not None:
        raise typer.Exit(INTERRUPTED)


def _examined(path: Path, file: Path, reading: Reading, max_invalid: float, progress: Progress, task: TaskID) -> Tape:
    progress.reset(task, description=f"reading {Path(shown_name(file)).name}")
    return examine(
        path,
        reading,
        name=shown_name(file),
        most_invalid_percent=max_invalid,
        on_rows=lambda rows: progress.update(task, completed=rows),
    )


def _run_grid(
    replays: Replays, grid: Grid, settings: list[dict[str, str]], tapes: list[Tape], *, as_json: bool
) -> None:
    """Run the whole of *grid* and show what came out."""
    with _interruptible() as interrupted, grid_progress(quiet=as_json) as progress:
        task = progress.add_task("backtests", total=None)
        result = run_grid(
            replays,
            grid,
            settings=settings,
            tapes=tapes,
            on_done=lambda done, of_all: progress.update(task, completed=done, total=of_all),
            interrupted=interrupted,
        )
    if as_json:
        print_json(grid_json(result))
    else:
        show_grid(result)
    if problem := problem_of(result):
        fail(problem)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C sets; a second one ends the command at once."""
    interrupted = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if interrupted.is_set():
            signal.default_int_handler(number, frame)
        interrupted.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
