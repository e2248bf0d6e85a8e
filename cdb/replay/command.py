"""`cdb replay` and `cdb replays`: trades that happened, through the whole bot."""

import json
import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cdb.kit.paths import ROOT
from cdb.replay.kept import Replays
from cdb.replay.run import Request, run
from cdb.replay.summary import Summary
from cdb.replay.tape import survey
from cdb.running.native import StackError, envfile
from cdb.running.native.config import state_dir
from cdb.stack.command import JsonOption, one_clear_line
from services.topology import FILLS

replays_app = typer.Typer(help="Ledgers that replays have kept.", no_args_is_help=True)
_SETTING = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command()(replay)
    app.add_typer(replays_app, name="replays")


def kept_replays() -> Replays:
    """Return the replays beside the operator's stack."""
    return Replays(ROOT, state_dir(ROOT, os.environ) / "replays")


def replay(
    file: Annotated[Path, typer.Argument(help="CSV: ts_ms,trade_id,symbol,side,price,quantity")],
    speed: Annotated[str, typer.Option(help="How many times the file's own pace, or max.")] = "max",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting for this replay, NAME=VALUE; may be repeated.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the ledger, under a name made of the file's.")] = False,
    into: Annotated[
        str | None, typer.Option(help="Keep the ledger under this name; one that exists is continued.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a file of trades through the four services, on a ledger and ports of its own.

    The running stack is not touched. The same file and settings give the same ledger, row for row: each trade goes
    out when everything the last one led to is done, and decisions read the trades' own time.

    Example: cdb replay tests/data/ethusdt-trades-2023-02-02.csv --set MOMENTUM_THRESHOLD_PCT=0.00008 --keep
    """
    with one_clear_line():
        request = Request(
            tape=survey(file),
            speed=_speed(speed),
            settings={**_operators_settings(), **_pairs(settings or [])},
            keep_as=into or (kept_replays().new_name(file.stem) if keep else None),
        )
        with _progress(quiet=as_json) as progress:
            task = progress.add_task(file.name, total=request.tape.rows)
            summary = run(kept_replays(), request, lambda read: progress.update(task, completed=read))
    if as_json:
        typer.echo(msgspec.json.Encoder(decimal_format="number").encode(summary.as_dict()).decode())
    else:
        _show(summary)
    if summary.problem:
        typer.secho(f"cdb: {summary.problem}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1)


@replays_app.command("list")
def list_replays(as_json: JsonOption = False) -> None:
    """List the kept ledgers.

    Example: cdb replays list
    """
    names = kept_replays().names()
    if as_json:
        typer.echo(json.dumps(names))
    else:
        typer.echo("\n".join(names) or "no replay was kept; `cdb replay FILE --keep` keeps one")


@replays_app.command("open")
def open_replay(name: str) -> None:
    """Start a kept ledger's PostgreSQL and say how to reach it, until Enter is pressed.

    Example: cdb replays open eth
    """
    with one_clear_line(), kept_replays().opened(name) as address:
        typer.echo(f"psql -h {address.host} -p {address.port} -U {address.user} {address.database}")
        typer.echo(f"password: POSTGRES_PASSWORD in {kept_replays().place(name) / 'secrets.json'}")
        typer.prompt("Enter ends it", default="", show_default=False)


@replays_app.command("remove")
def remove_replay(name: str) -> None:
    """Remove a kept ledger.

    Example: cdb replays remove eth
    """
    with one_clear_line():
        kept_replays().require(name)
        kept_replays().remove(name)
    typer.echo(f"removed {name}")


def _operators_settings() -> dict[str, str]:
    """Return what is set in .env and the environment: a replay trades by the operator's own limits."""
    return {**envfile.read(ROOT / ".env"), **os.environ}


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        match = _SETTING.fullmatch(text)
        if match is None:
            raise StackError(f"--set {text!r}: NAME=VALUE is expected, as in MOMENTUM_THRESHOLD_PCT=0.0002")
        found[match[1]] = match[2]
    return found


def _speed(text: str) -> str:
    try:
        fits = text == "max" or 0 < float(text) <= 100_000
    except ValueError:
        fits = False
    if not fits:
        raise StackError(f"--speed {text!r}: a factor over 0 and up to 100000, or max")
    return text


def _progress(*, quiet: bool) -> Progress:
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    return Progress(*columns, console=Console(stderr=True), disable=quiet)


def _show(summary: Summary) -> None:
    table = Table(title="Replay", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for name in ("trades_read", "refused", "signals", "approved"):
        table.add_row(name.replace("_", " "), f"{getattr(summary, name):,}")
    for reason, count in summary.rejected.items():
        table.add_row(f"rejected: {reason}", f"{count:,}")
    table.add_row(FILLS, f"{summary.fills:,}")
    table.add_row("of them stop losses", f"{summary.stop_losses:,}")
    for name in ("realised_pnl", "unrealised_pnl", "equity"):
        value: Decimal = getattr(summary, name)
        table.add_row(name.replace("_", " "), f"{value:,.2f}")
    console = Console()
    console.print(table)
    for refusal in summary.refusals:
        console.print(f"refused {refusal['where']}: {refusal['reason']}, {refusal['detail']}", markup=False)
    if summary.refused > len(summary.refusals):
        console.print(f"and {summary.refused - len(summary.refusals)} more")
    if summary.ledger:
        console.print(f"The ledger is kept. Check it: cdb audit --replay {summary.ledger}")
