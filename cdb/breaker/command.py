"""`cdb breaker`: look at the circuit breaker, and reset it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cdb.breaker.breaker import BreakerDesk, BreakerState
from cdb.kit.failures import exit_codes, fail
from cdb.kit.paths import ROOT
from cdb.running.addresses import ledger_settings
from cdb.stack.command import JsonOption
from services.clock import WallClock
from services.ledger.connection import Ledger, LedgerAddress

group = typer.Typer(help="Look at the circuit breaker, and reset it.", no_args_is_help=True)
_encoder = msgspec.json.Encoder(decimal_format="number")


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(group, name="breaker")


@group.command()
def status(as_json: JsonOption = False) -> None:
    """Show whether the breaker is active, since when and why, and today's drawdown at the ledger's prices.

    An active breaker is a state, not a failure. Exit code: 0 shown, 3 the ledger could not be read.

    Example: cdb breaker status --json
    """
    with _desk() as desk:
        state = desk.state()
    if as_json:
        _print_json(state.as_dict())
    else:
        Console(highlight=False).print(_table(state))


@group.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let purchases through again; today's equity becomes what drawdown is measured against.

    cdb_risk takes notice within about a second. It trips again as soon as the loss from the new reference reaches
    the limit. Exit code: 0 reset, 1 it is not active or nobody agreed, 3 the ledger could not be reached.

    Example: cdb breaker reset --yes
    """
    with _desk() as desk:
        state = desk.state()
        _refuse_unless_sensible(state)
        if not yes:
            _ask(state)
        desk.reset(state)
    if as_json:
        _print_json({"reset": True, "reference_equity": state.equity, "was": state.as_dict()})
    else:
        typer.echo(f"The breaker is reset. Drawdown is measured against {state.equity:,.2f} from now on.")


@contextmanager
def _desk() -> Iterator[BreakerDesk]:
    with exit_codes():
        ledger = Ledger(LedgerAddress.of(ledger_settings(ROOT, os.environ)), application="cdb-breaker")
        try:
            yield BreakerDesk(ledger, WallClock())
        finally:
            ledger.close()


def _refuse_unless_sensible(state: BreakerState) -> None:
    if not state.active:
        fail("the breaker is not active: there is nothing to reset")
    if not state.all_marked:
        fail("a position has no price yet, so equity is not known: wait for cdb_ws and cdb_risk, then try again")
    if state.equity <= 0:
        fail(f"equity is {state.equity:,.2f}: nothing is left to measure drawdown against")


def _ask(state: BreakerState) -> None:
    if not sys.stdin.isatty():
        fail("there is no terminal to ask on: `cdb breaker reset --yes` resets without asking")
    question = (
        f"Drawdown is {state.drawdown_percent} % of {state.reference_equity:,.2f}. "
        f"Reset the breaker and measure from {state.equity:,.2f}?"
    )
    if not typer.confirm(question, err=True):
        fail("the breaker stays active")


def _table(state: BreakerState) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("breaker", "[bold red]active[/]" if state.active else "[green]not active[/]")
    if state.since:
        since = f"{state.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        table.add_row("since", f"{since}, cause: {state.cause}, equity then {state.equity_then:,.2f}")
    table.add_row("equity now", f"{state.equity:,.2f}" + ("" if state.all_marked else " (a position has no price yet)"))
    table.add_row("reference", f"{state.reference_equity:,.2f}")
    table.add_row("drawdown", f"{state.drawdown_percent} %")
    return table


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(_encoder.encode(content).decode())
