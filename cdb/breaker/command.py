"""`cdb breaker`: look at the circuit breaker, trip it and reset it."""

from contextlib import closing
from decimal import Decimal

import typer
from rich.table import Table
from rich.text import Text

from cdb.breaker.breaker import BreakerState, breaker_state
from cdb.kit.failures import exit_codes
from cdb.kit.figures import moment, money, percent
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption, WhyOption, YesOption, confirm
from cdb.kit.output import console, plain_table, print_json
from cdb.kit.printable import printable
from cdb.running.operators import operator_client
from cdb.running.stack import running_stack
from services.ledger.connection import Ledger, LedgerAddress

group = typer.Typer(help="Show, trip and reset the circuit breaker.", no_args_is_help=True)


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
    with exit_codes():
        address = LedgerAddress.of(running_stack().ledger_settings())
        with closing(Ledger(address, application="cdb-breaker")) as ledger:
            state = breaker_state(ledger)
    if as_json:
        print_json(state.as_dict())
    else:
        console().print(_table(state))


@group.command()
def trip(why: WhyOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Stop purchases until somebody resets the breaker, or 00:00 UTC. Sales and stop losses go on.

    Exit code: 0 tripped, 1 not tripped (the breaker is active already, or you declined), 3 cdb_risk could not be
    reached.

    Example: cdb breaker trip --why "news about the exchange"
    """
    _act("trip", why, yes=yes, as_json=as_json)


@group.command()
def reset(why: WhyOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Allow purchases again and measure drawdown from the current equity.

    The breaker trips again when the loss since the reset reaches the limit.

    Exit code: 0 reset, 1 not reset (the breaker is not active, equity is unknown or not positive, or you declined),
    3 cdb_risk could not be reached.

    Example: cdb breaker reset --yes
    """
    _act("reset", why, yes=yes, as_json=as_json)


def _act(action: str, why: str, *, yes: bool, as_json: bool) -> None:
    with exit_codes(), operator_client(running_stack(), why=why) as client:
        if not yes:
            found = client.preview("breaker", action=action).details
            drawdown = percent(Decimal(found["drawdown_before"]))
            drawdown = f"Drawdown is {drawdown} of {_money(found['reference_equity_before'])}."
            question = {
                "trip": "Trip the breaker? Purchases stop until somebody resets it.",
                "reset": f"Reset the breaker and measure drawdown from {_money(found['equity'])}?",
            }
            confirm(f"{drawdown} {question[action]}", instead=f"cdb breaker {action} --yes")
        done = client.act("breaker", action=action)
    if as_json:
        print_json(done)
    elif action == "trip":
        typer.echo("The breaker is active. Purchases stop; `cdb breaker reset` allows them again.")
    else:
        equity = _money(done.details["reference_equity_after"])
        typer.echo(f"The breaker is reset. Drawdown is measured against {equity} from now on.")


def _money(text: str) -> str:
    return money(Decimal(text))


def _table(state: BreakerState) -> Table:
    table = plain_table()
    table.add_row("breaker", "[bold red]active[/]" if state.active else "[green]not active[/]")
    if state.since and state.equity_then is not None:
        then = f"cause: {state.cause}, equity then {money(state.equity_then)}"
        table.add_row("since", f"{moment(state.since)} UTC, {then}")
    if state.who:
        table.add_row("by", Text(printable(f"{state.who}{f': {state.why}' if state.why else ''}")))
    unpriced = "" if state.all_positions_marked else " (a position has no price yet)"
    table.add_row("equity now", f"{money(state.equity)}{unpriced}")
    table.add_row("reference", money(state.reference_equity))
    table.add_row("drawdown", percent(state.drawdown))
    return table
