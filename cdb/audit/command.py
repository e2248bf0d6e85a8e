"""`cdb audit`: recompute the ledger and name what does not add up."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from cdb.audit import read_and_audit, view
from cdb.kit.failures import REFUSED, exit_codes
from cdb.kit.paths import ROOT
from cdb.replay.command import kept_replays
from cdb.running.addresses import ledger_settings
from cdb.stack.command import JsonOption
from services.ledger.connection import Ledger, LedgerAddress


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(audit)


def audit(
    ledger: Annotated[
        str | None, typer.Option(help="Another database on that server; the stack's own without it.")
    ] = None,
    replay: Annotated[str | None, typer.Option(help="The name of a ledger that `cdb replay` has kept.")] = None,
    host: Annotated[str | None, typer.Option(help="Another server's address.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Another server's port.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the ledger from its own rows and name every row that breaks a rule.

    Reads one snapshot, changes nothing and hinders nobody, so it may run beside the bot. Orders that are still in
    flight are reported apart. Of each rule at most 10 breaches are named, the rest is counted.

    Exit code: 0 every rule holds, 1 a rule is broken, 3 the ledger could not be read.

    Example: cdb audit --json
    """
    with exit_codes(), _address(ledger, replay, host, port) as address:
        connection = Ledger(address, application="cdb-audit")
        try:
            report = read_and_audit(connection)
        finally:
            connection.close()
    name = f"replay {replay}" if replay else address.database
    if as_json:
        typer.echo(json.dumps(view.as_json(report, ledger=name)))
    else:
        view.show(report, Console(highlight=False), ledger=name)
    if not report.holds:
        raise typer.Exit(REFUSED)


@contextmanager
def _address(ledger: str | None, replay: str | None, host: str | None, port: int | None) -> Iterator[LedgerAddress]:
    if replay is None:
        yield LedgerAddress.of(ledger_settings(ROOT, os.environ, database=ledger, host=host, port=port))
        return
    if (ledger, host, port) != (None, None, None):
        raise typer.BadParameter("a kept replay has its own server: leave out --ledger, --host and --port")
    with kept_replays().opened(replay) as address:
        yield address
