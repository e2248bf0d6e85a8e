"""`cdb record`: the running stack's market data as a file of trades, for replays and backtests."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from threading import Event
from typing import Annotated, Final

import redis
import typer
from rich.console import Console

from cdb.kit.errors import INTERRUPTED, USAGE, Refused
from cdb.kit.failures import exit_codes, fail
from cdb.kit.figures import seconds
from cdb.kit.files import STANDARD_OUTPUT, check_place
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption, duration
from cdb.kit.output import print_json
from cdb.record import run, view
from cdb.record.file import ENDINGS, refuse_existing, tape_file
from cdb.record.stream import TradeStream
from cdb.running.base import RunningStack
from cdb.running.feed import feed
from cdb.running.settings import read_settings
from cdb.running.stack import running_stack
from services.bus.held import HeldSymbols
from services.settings import TradedSettings
from services.ws.tape import values
from services.ws.tape.values import BadValue

LEAD_IN: Final = "5m"


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(rich_help_panel=TRADING)(record)


def record(
    file: Annotated[
        Path, typer.Argument(help="File to create: .csv.gz or .csv; - for standard output, which is not packed.")
    ],
    symbols: Annotated[
        str | None, typer.Option(metavar="A,B", help="Record only these symbols. By default all that are published.")
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 1h. By default until Ctrl-C.")
    ] = None,
    lead_in: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Begin the file with this much of the time before, marked late; 0s: nothing."
        ),
    ] = LEAD_IN,
    as_json: JsonOption = False,
) -> None:
    """Record the trades that the running stack publishes, to a file for replays and backtests.

    Whatever the stack's source is, nothing more is asked of it, and the running services do not notice. A trade that
    came late is marked so in the column late: in a replay the strategies see it and do not decide on it, as they did
    live. The lead-in is marked so, too: strategies know the market when the recording begins, and a replay with the
    same settings gives the signals that were given live. What is missing, such as after the bus was away, is told at
    the end.

    Ctrl-C ends it, and the file is whole. Until then it has another name; an existing file is never replaced.

    Exit code: 0 recorded, 1 there is such a file, nobody publishes such a symbol, no trade came or the file could not
    be written, 2 invalid option, 3 the stack or its Redis is not running, 130 ended before the time of --for was over.

    Example: cdb record --for 1h --symbols BTCUSDT,ETHUSDT hour.csv.gz
    """
    request = run.Request(
        symbols=_symbols(symbols),
        for_s=None if for_ is None else duration("--for", for_, least=timedelta(seconds=1), plain="s").total_seconds(),
        lead_in_s=duration("--lead-in", lead_in, least=timedelta(), plain="s").total_seconds(),
    )
    _check_file(file, as_json=as_json)
    with exit_codes(), _bus() as (stack, client):
        refuse_existing(file)
        _refuse_unpublished(stack, client, request)
        result = _recorded(stack, TradeStream(client), request, file, quiet=as_json)
    if as_json:
        print_json(view.as_json(result))
    else:
        view.show(result, Console(stderr=file == STANDARD_OUTPUT))
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def _recorded(
    stack: RunningStack, stream: TradeStream, request: run.Request, file: Path, *, quiet: bool
) -> view.Result:
    with ExitStack() as recording:
        ended = recording.enter_context(_ended_by_signals())
        on_progress = recording.enter_context(view.progress(request.for_s, quiet=quiet))
        began = time.monotonic()
        out = recording.enter_context(tape_file(file))
        found = run.record(stream, request, out, ended, on_progress)
        took_s = time.monotonic() - began
        if not found.trades:
            now = feed(stack)
            raise Refused(
                f"no trade came in {seconds(took_s)}, so nothing is recorded"
                + (f": {now.problem}" if now and now.problem else "; `cdb status` shows what runs")
            )
    interrupted = ended.is_set() and request.for_s is not None
    return view.Result(recording=found, file=file, seconds=took_s, interrupted=interrupted)


@contextmanager
def _bus() -> Iterator[tuple[RunningStack, redis.Redis]]:
    with closing(running_stack()) as stack, closing(stack.bus_client()) as client:
        yield stack, client


def _symbols(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    try:
        found = frozenset(values.symbol(name.strip()) for name in text.split(",") if name.strip())
    except BadValue as bad:
        fail(f"--symbols: {bad.detail}", code=USAGE)
    if not found:
        fail("--symbols names no symbol: BTCUSDT,ETHUSDT is an example", code=USAGE)
    return found


def _check_file(file: Path, *, as_json: bool) -> None:
    if file == STANDARD_OUTPUT:
        if as_json:
            fail("--json and - both write to standard output: name a file", code=USAGE)
        return
    if not file.name.endswith(ENDINGS) or file.name in ENDINGS:
        fail(f"FILE {file} must end in {' or '.join(ENDINGS)}", code=USAGE)
    check_place("FILE", file)


def _refuse_unpublished(stack: RunningStack, client: redis.Redis, request: run.Request) -> None:
    """Raise Refused if a symbol is neither traded nor held."""
    traded = read_settings(TradedSettings, stack.settings).symbols
    published = {*traded, *HeldSymbols(client).read()}
    unknown = sorted((request.symbols or frozenset()) - published)
    if unknown:
        near = [name for symbol in unknown for name in get_close_matches(symbol, published, n=1)]
        hint = f" (did you mean {', '.join(near)}?)" if near else ""
        raise Refused(
            f"--symbols: the running stack does not publish {', '.join(unknown)}{hint};"
            f" CDB_SYMBOLS is {','.join(traded)}"
        )


@contextmanager
def _ended_by_signals() -> Iterator[Event]:
    """Give an event that Ctrl-C, SIGTERM and a closed terminal set, so that none of them cuts a line in half."""
    ended = Event()
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # else nohup has its way
            before[number] = signal.signal(number, lambda _number, _frame: ended.set())
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
