"""`cdb replay` and `cdb replays`: recorded trades through the whole bot."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cdb.kit.errors import REFUSED, USAGE
from cdb.kit.failures import exit_codes, fail
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption, YesOption, confirm
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
from cdb.replay.run import Request, run
from cdb.replay.settings import chosen_settings
from cdb.replay.tape import MOST_INVALID_PERCENT, examine, seekable
from cdb.replay.view import progress_bar, show
from cdb.running.native.ports import HOST

replays_app = typer.Typer(help="List, open and remove saved replay ledgers.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name of the replay, from `cdb replays list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command(rich_help_panel=TRADING)(replay)
    app.add_typer(replays_app, name="replays", rich_help_panel=TRADING)


def replay(  # noqa: PLR0913, PLR0917  one for each option
    file: Annotated[
        Path, typer.Argument(help="File of trades: .csv, .csv.gz, or .zip with one CSV inside; - for standard input.")
    ],
    speed: Annotated[
        str, typer.Option(metavar="FACTOR", help="Replay speed: a multiple of real time, such as 10, or max.")
    ] = "max",
    settings: SettingsOption = None,
    keep: KeepOption = False,
    into: IntoOption = None,
    symbol: SymbolOption = None,
    time_unit: TimeUnitOption = None,
    max_invalid: MaxInvalidOption = MOST_INVALID_PERCENT,
    as_json: JsonOption = False,
) -> None:
    """Replay a file of recorded trades through the four services, with a separate ledger and separate ports.

    The running stack is not touched. Limits and other settings come from .env and the environment; --set overrides
    them, and refuses a name that has no effect on a replay. The same file and settings always give the same ledger:
    each trade is sent only after the previous one has been fully processed, and decisions use the timestamps in the
    file.

    Columns are found by their names, as in the dumps of Binance and the exports of ccxt and freqtrade (docs/replay.md).
    Rows that are no valid trades are left out and listed with their line; with too many of them nothing is replayed.

    Exit code: 0 replayed, 1 the replay failed, a setting is refused, messages were lost or too many rows are invalid,
    2 invalid option.

    Example: cdb replay tests/data/ethusdt-trades-2023-02-02.csv --set MOMENTUM_THRESHOLD_PCT=0.00008 --keep
    """
    with exit_codes(REFUSED):
        replays = swept_replays()
        reading = as_reading(symbol, time_unit)
        chosen = chosen_settings(as_settings(settings), os.environ, ROOT)
        speed = _speed(speed)
        name = shown_name(file)
        label = Path(name).name
        save_as = name_to_save(replays, file, keep=keep, into=into)
        with seekable(file, replays.directory) as path, progress_bar(quiet=as_json) as progress:
            task = progress.add_task(f"reading {label}", total=None)
            tape = examine(
                path,
                reading,
                name=name,
                most_invalid_percent=max_invalid,
                on_rows=lambda rows: progress.update(task, completed=rows),
            )
            for note in () if as_json else tape.notes:
                progress.console.print(f"{name}: {note}", markup=False, highlight=False, soft_wrap=True)
            progress.reset(task, total=tape.rows, description=label)
            request = Request(tape=tape, speed=speed, settings=chosen, save_as=save_as)
            summary = run(replays, request, lambda read: progress.update(task, completed=read))
    if as_json:
        print_json(summary)
    else:
        show(summary)
    if summary.problem:
        fail(summary.problem)


@replays_app.command("list")
def list_replays(as_json: JsonOption = False) -> None:
    """List the saved ledgers.

    Exit code: 0, even if there are none, 1 they cannot be read.

    Example: cdb replays list
    """
    with exit_codes(REFUSED):
        names = swept_replays().names()
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
        replays = swept_replays()
        with replays.opened(name) as address:
            typer.echo(f"psql -h {HOST} -p {address.port} -U {address.user} {address.database}")
            typer.echo(f"password: POSTGRES_PASSWORD in {replays.secrets_file(name)}")
            typer.prompt("Press Enter to stop PostgreSQL", default="", show_default=False)


@replays_app.command("remove")
def remove_replay(name: NameArgument, yes: YesOption = False) -> None:
    """Delete a saved ledger.

    Exit code: 0 deleted, 1 the ledger does not exist, is in use or could not be deleted, or you declined.

    Example: cdb replays remove eth --yes
    """
    with exit_codes(REFUSED):
        replays = swept_replays()
        replays.require(name)
        if not yes:
            confirm(f"Delete the ledger of replay {name}?", instead=f"cdb replays remove {name} --yes")
        replays.remove(name)
    typer.echo(f"deleted {name}")


def _speed(text: str) -> str:
    try:
        fits = text == "max" or 0 < float(text) <= 100_000
    except ValueError:
        fits = False
    if not fits:
        fail(f"--speed {text!r:.80} must be max, or a number above 0 and up to 100000", code=USAGE)
    return text
