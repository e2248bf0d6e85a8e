"""`cdb flatten`: close positions now, at the next price."""

from contextlib import closing
from typing import Annotated, Final

import typer

from cdb.flatten.sales import Sold, wait_sold
from cdb.flatten.view import plan_table, sales_table
from cdb.kit.errors import REFUSED
from cdb.kit.failures import complain, exit_codes
from cdb.kit.figures import money
from cdb.kit.help import TRADING
from cdb.kit.operators import Acted
from cdb.kit.options import JsonOption, WhyOption, YesOption, confirm
from cdb.kit.output import console, print_json
from cdb.running.operators import operator_client
from cdb.running.stack import running_stack
from services.ledger.connection import Ledger, LedgerAddress

WITHIN_S: Final = 30.0
SymbolArgument = Annotated[str | None, typer.Argument(metavar="SYMBOL", help="Symbol to close (default: all).")]


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(rich_help_panel=TRADING)(flatten)


def flatten(
    symbol: SymbolArgument = None, why: WhyOption = "", yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Close all positions, or those in one symbol, of all strategies.

    Shows what is to be sold and asks first. Then waits up to 30 s until nothing of these positions is held. It works
    whether the breaker is active or not, and trips nothing: strategies may buy again at once. To prevent that, run
    `cdb breaker trip` first.

    Exit code: 0 closed, 1 not closed (nothing is held, a price is missing, an order is not filled yet, or you
    declined), 3 cdb_risk or the ledger could not be reached.

    Example: cdb flatten BTCUSDT --why "delisted tomorrow"
    """
    with exit_codes():
        address = LedgerAddress.of(running_stack().ledger_settings())
        acted = _close(symbol, why, yes=yes)
        positions = [one["position_id"] for one in acted.details["positions"]]
        with closing(Ledger(address, application="cdb-flatten")) as ledger:
            sold = wait_sold(ledger, acted.id, positions, within_s=WITHIN_S)
    _show(acted, sold, as_json=as_json)
    if sold.left:
        raise typer.Exit(REFUSED)


def _close(symbol: str | None, why: str, *, yes: bool) -> Acted:
    fields = {"symbol": symbol} if symbol else {}
    with operator_client(running_stack(), why=why) as client:
        if not yes:
            console(to_error=True).print(plan_table(client.preview("flatten", **fields).details))
            confirm("Sell all of this now?", instead=f"cdb flatten {f'{symbol} ' if symbol else ''}--yes")
        return client.act("flatten", **fields)


def _show(acted: Acted, sold: Sold, *, as_json: bool) -> None:
    if as_json:
        print_json({"action": acted, "sales": sold.sales, "left": sold.left, "result": sold.result})
    else:
        console().print(sales_table(sold.sales))
        typer.echo(f"Result after fees: {money(sold.result)}.")
    for one in sold.left:
        complain(
            f"{one.quantity:f} {one.symbol} of {one.strategy} is still held after {WITHIN_S:g} s: the order goes on; "
            "`cdb positions` shows what is held"
        )
