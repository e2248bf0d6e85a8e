"""`cdb replay` and `cdb replays`: recorded trades through the whole bot."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cdb.kit.errors import REFUSED, USAGE
from cdb.kit.failures import complain, exit_codes, fail
from cdb.kit.figures import money
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption, YesOption, confirm
from cdb.kit.output import console, plain_table, print_json
from cdb.kit.paths import ROOT
from cdb.replay.run import Request, run
from cdb.replay.saved import Replays, operators_replays
from cdb.replay.summary import Summary
from cdb.replay.tape import survey
from cdb.running.native import envfile

replays_app = typer.Typer(help="List, open and remove saved replay ledgers.", no_args_is_help=True)
_SETTING = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
NameArgument = Annotated[str, typer.Argument(help="Name of the replay, from `cdb replays list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command(rich_help_panel=TRADING)(replay)
    app.add_typer(replays_app, name="replays", rich_help_panel=TRADING)


def replay(
    file: Annotated[Path, typer.Argument(help="CSV file with the columns ts_ms,trade_id,symbol,side,price,quantity.")],
    speed: Annotated[
        str, typer.Option(metavar="FACTOR", help="Replay speed: a multiple of real time, such as 10, or max.")
    ] = "max",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting for this replay only. Repeatable."),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Save the ledger under a new name made from the file's name. Without --keep or --into it is deleted.",
        ),
    ] = False,
    into: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Save the ledger under this name. If the ledger exists, append to it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a file of recorded trades through the four services, with a separate ledger and separate ports.

    The running stack is not touched. Limits and other settings come from .env and the environment. The same file and
    settings always give the same ledger: each trade is sent only after the previous one has been fully processed, and
    decisions use the timestamps in the file.

    Exit code: 0 replayed, 1 the replay failed or messages were lost, 2 invalid option.

    Example: cdb replay tests/data/ethusdt-trades-2023-02-02.csv --set MOMENTUM_THRESHOLD_PCT=0.00008 --keep
    """
    with exit_codes(REFUSED):
        replays = _replays()
        request = Request(
            tape=survey(file),
            speed=_speed(speed),
            settings={**envfile.read(ROOT / ".env"), **os.environ, **_pairs(settings or [])},
            save_as=into or (replays.new_name(file.stem) if keep else None),
        )
        with _progress(quiet=as_json) as progress:
            task = progress.add_task(file.name, total=request.tape.rows)
            summary = run(replays, request, lambda read: progress.update(task, completed=read))
    if as_json:
        print_json(summary)
    else:
        _show(summary)
    if summary.problem:
        fail(summary.problem)


@replays_app.command("list")
def list_replays(as_json: JsonOption = False) -> None:
    """List the saved ledgers.

    Exit code: 0, even if there are none, 1 they cannot be read.

    Example: cdb replays list
    """
    with exit_codes(REFUSED):
        names = _replays().names()
    if as_json:
        print_json(names)
    else:
        typer.echo("\n".join(names) or "There are no saved replays; `cdb replay FILE --keep` saves one.")


@replays_app.command("open")
def open_replay(name: NameArgument) -> None:
    """Start PostgreSQL on a saved ledger and print how to connect. Press Enter to stop it.

    Exit code: 0 opened, 1 the ledger does not exist or PostgreSQL did not start.

    Example: cdb replays open eth
    """
    with exit_codes(REFUSED):
        replays = _replays()
        with replays.opened(name) as address:
            typer.echo(f"psql -h {address.host} -p {address.port} -U {address.user} {address.database}")
            typer.echo(f"password: POSTGRES_PASSWORD in {replays.secrets_file(name)}")
            typer.prompt("Press Enter to stop PostgreSQL", default="", show_default=False)


@replays_app.command("remove")
def remove_replay(name: NameArgument, yes: YesOption = False) -> None:
    """Delete a saved ledger.

    Exit code: 0 deleted, 1 the ledger does not exist, is in use or could not be deleted, or you declined.

    Example: cdb replays remove eth --yes
    """
    with exit_codes(REFUSED):
        replays = _replays()
        replays.require(name)
        if not yes:
            confirm(f"Delete the ledger of replay {name}?", instead=f"cdb replays remove {name} --yes")
        replays.remove(name)
    typer.echo(f"deleted {name}")


def _replays() -> Replays:
    """Find the operator's replays, and clean up after commands that were killed."""
    replays = operators_replays()
    for name in replays.sweep():
        complain(f"a command was killed while it used replay {name}: what it left running or unsaved is removed")
    return replays


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        match = _SETTING.fullmatch(text)
        if match is None:
            fail(f"--set {text!r:.80} must be NAME=VALUE, such as MOMENTUM_THRESHOLD_PCT=0.0002", code=USAGE)
        found[match[1]] = match[2]
    return found


def _speed(text: str) -> str:
    try:
        fits = text == "max" or 0 < float(text) <= 100_000
    except ValueError:
        fits = False
    if not fits:
        fail(f"--speed {text!r:.80} must be max, or a number above 0 and up to 100000", code=USAGE)
    return text


def _progress(*, quiet: bool) -> Progress:
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    return Progress(*columns, console=Console(stderr=True), disable=quiet)


def _show(summary: Summary) -> None:
    table = plain_table(title="Replay")
    table.add_column()
    table.add_column(justify="right")
    counts = {
        "trades read": summary.trades_read,
        "invalid trades": summary.refused,
        "signals": summary.signals,
        "approved": summary.approved,
        **{f"rejected: {reason}": count for reason, count in summary.rejected.items()},
        "fills": summary.fills,
        "of these, stop losses": summary.stop_losses,
    }
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    table.add_row("realised pnl", money(summary.realised_pnl))
    table.add_row("unrealised pnl", money(summary.unrealised_pnl))
    table.add_row("equity", money(summary.equity))
    screen = console()
    screen.print(table)
    for refusal in summary.refusals:
        screen.print(f"invalid trade at {refusal['where']}: {refusal['reason']}, {refusal['detail']}", markup=False)
    if summary.refused > len(summary.refusals):
        screen.print(f"and {summary.refused - len(summary.refusals)} more invalid trades")
    if summary.ledger:
        screen.print(f"The ledger is saved. Check it: cdb audit --replay {summary.ledger}")
