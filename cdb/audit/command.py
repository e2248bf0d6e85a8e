"""`cdb audit`: recompute the ledger and report what does not add up."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from cdb.audit import read_and_audit, view
from cdb.kit.errors import REFUSED, USAGE
from cdb.kit.failures import exit_codes, fail
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption
from cdb.kit.output import console, print_json
from cdb.replay.saved import operators_replays
from cdb.running.stack import running_stack
from services.ledger.connection import Ledger, LedgerAddress


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(rich_help_panel=TRADING)(audit)


def audit(
    ledger: Annotated[
        str | None, typer.Option(metavar="DATABASE", help="Database on the server (default: the stack's).")
    ] = None,
    replay: Annotated[str | None, typer.Option(metavar="NAME", help="Name of a ledger saved by `cdb replay`.")] = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="PostgreSQL host (default: the stack's).")] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=1, max=65535, help="PostgreSQL port (default: the stack's).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the ledger from its rows and report rows that break a rule.

    The audit reads one snapshot, changes nothing and blocks no writer, so you can run it while the bot trades. Orders
    still in flight are listed separately. For each rule the audit shows the first 10 breaches and counts the rest.

    Exit code: 0 every rule holds, 1 a rule is broken, 2 invalid option, 3 the ledger could not be read.

    Example: cdb audit --json
    """
    with (
        exit_codes(),
        _address(ledger, replay, host, port) as address,
        closing(Ledger(address, application="cdb-audit")) as connection,
    ):
        report = read_and_audit(connection)
    name = f"replay {replay}" if replay else address.database
    if as_json:
        print_json(view.as_json(report, ledger=name))
    else:
        view.show(report, console(), ledger=name)
    if not report.holds:
        raise typer.Exit(REFUSED)


@contextmanager
def _address(ledger: str | None, replay: str | None, host: str | None, port: int | None) -> Iterator[LedgerAddress]:
    if replay is None:
        yield LedgerAddress.of(running_stack().ledger_settings(database=ledger, host=host, port=port))
        return
    if (ledger, host, port) != (None, None, None):
        fail("a saved replay has its own server: leave out --ledger, --host and --port", code=USAGE)
    with operators_replays().opened(replay) as address:
        yield address
