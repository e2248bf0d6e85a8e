"""`cdb breaker`: look at the circuit breaker, and reset it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import typer
from rich.table import Table

from cdb.breaker.breaker import BreakerDesk, BreakerState
from cdb.kit.failures import exit_codes, fail
from cdb.kit.figures import moment, money, percent
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption, YesOption, confirm
from cdb.kit.output import console, plain_table, print_json
from cdb.running.stack import running_stack
from services.clock import WallClock
from services.ledger.connection import Ledger, LedgerAddress

group = typer.Typer(help="Show and reset the circuit breaker.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(group, name="breaker", rich_help_panel=TRADING)


@group.command()
def status(as_json: JsonOption = False) -> None:
    """Show whether the breaker is active, since when and why, and today's drawdown.

    Drawdown uses the last prices saved in the ledger. An active breaker does not change the exit code.

    Exit code: 0 shown, 3 the ledger could not be reached.

    Example: cdb breaker status --json
    """
    with _desk() as desk:
        state = desk.state()
    if as_json:
        print_json(state.as_dict())
    else:
        console().print(_table(state))


@group.command()
def reset(yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Allow purchases again and measure drawdown from the current equity.

    cdb_risk picks this up within about a second. The breaker trips again when the loss since the reset reaches the
    limit.

    Exit code: 0 reset, 1 not reset (the breaker is not active, equity is unknown or not positive, or you declined),
    3 the ledger could not be reached.

    Example: cdb breaker reset --yes
    """
    with _desk() as desk:
        state = desk.state()
        _refuse_unless_sensible(state)
        if not yes:
            drawdown = f"Drawdown is {percent(state.drawdown)} of {money(state.reference_equity)}."
            question = f"{drawdown} Reset the breaker and measure drawdown from {money(state.equity)}?"
            confirm(question, instead="cdb breaker reset --yes")
        desk.reset(state)
    if as_json:
        print_json({"reset": True, "reference_equity": state.equity, "was": state.as_dict()})
    else:
        typer.echo(f"The breaker is reset. Drawdown is measured against {money(state.equity)} from now on.")


@contextmanager
def _desk() -> Iterator[BreakerDesk]:
    with exit_codes():
        address = LedgerAddress.of(running_stack().ledger_settings())
        with closing(Ledger(address, application="cdb-breaker")) as ledger:
            yield BreakerDesk(ledger, WallClock())


def _refuse_unless_sensible(state: BreakerState) -> None:
    if not state.active:
        fail("the breaker is not active: there is nothing to reset")
    if not state.all_positions_marked:
        fail("a position has no price yet, so equity is unknown: wait for the next prices, then try again")
    if state.equity <= 0:
        fail(f"equity is {money(state.equity)}: drawdown can only be measured from a positive equity")


def _table(state: BreakerState) -> Table:
    table = plain_table()
    table.add_row("breaker", "[bold red]active[/]" if state.active else "[green]not active[/]")
    if state.since and state.equity_then is not None:
        then = f"cause: {state.cause}, equity then {money(state.equity_then)}"
        table.add_row("since", f"{moment(state.since)} UTC, {then}")
    unpriced = "" if state.all_positions_marked else " (a position has no price yet)"
    table.add_row("equity now", f"{money(state.equity)}{unpriced}")
    table.add_row("reference", money(state.reference_equity))
    table.add_row("drawdown", percent(state.drawdown))
    return table
