"""`cdb positions`, `cdb trades` and `cdb pnl`: what the account holds and has earned."""

from enum import StrEnum
from typing import Annotated

import typer

from cdb.account.ledger import opened
from cdb.account.options import CsvFlag, ReplayOption, SinceOption, one_form, read_since
from cdb.account.pnl import earned
from cdb.account.positions import COLUMNS as POSITION_COLUMNS
from cdb.account.positions import open_positions
from cdb.account.trades import COLUMNS as TRADE_COLUMNS
from cdb.account.trades import trades_json, trades_since
from cdb.account.view import earned_table, positions_table, trades_table
from cdb.kit.failures import complain, exit_codes
from cdb.kit.figures import moment, money
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption
from cdb.kit.output import console, print_exactly, print_json
from cdb.performance.spreadsheet import csv_text

LAST = 20


class Group(StrEnum):
    """What results can be told apart by: the groups of services/performance."""

    DAY = "day"
    SYMBOL = "symbol"
    STRATEGY = "strategy"


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    for command in (positions, trades, pnl):
        app.command(rich_help_panel=TRADING)(command)


def positions(
    since: SinceOption = None, replay: ReplayOption = None, as_json: JsonOption = False, as_csv: CsvFlag = False
) -> None:
    """Show what is held: quantity, entry, newest price, value, unrealised result and stop loss.

    The entry is what one unit has cost, fees included. Prices are the newest that cdb_risk has saved, about once a
    second. A position without a price is shown at its cost. Without --since all are shown; with it, those opened since.
    A saved ledger does not know its stop loss.

    Exit code: 0 shown, also if nothing is held, 2 invalid option, 3 the ledger could not be read.

    Example: cdb positions
    """
    one_form(json=as_json, csv=as_csv)
    with exit_codes():
        begin = read_since(since)
        with opened(replay) as ledger:
            found = open_positions(ledger, begin)
    if as_json:
        print_json(found.as_json())
    elif as_csv:
        print_exactly(csv_text(POSITION_COLUMNS, found.positions))
    elif found.positions:
        console().print(positions_table(found))
        typer.echo(f"Equity {money(found.equity)}, of it cash {money(found.cash)}, at {moment(found.as_of)} UTC.")
    else:
        opened_since = f" that was opened since {moment(found.since)} UTC" if found.since else ""
        typer.echo(f"Nothing is held{opened_since}. Cash: {money(found.cash)}.")


def trades(
    since: SinceOption = None,
    last: Annotated[
        int | None,
        typer.Option(metavar="COUNT", min=1, help=f"Show the newest so many. Without it and --since: {LAST}."),
    ] = None,
    replay: ReplayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvFlag = False,
) -> None:
    """List closed trades, the newest last.

    A trade is a position from its first purchase until nothing of it is held. Entry and exit are its mean prices of
    purchase and sale, without fees. The result is after all fees; the return is its share of the cost.

    Exit code: 0 shown, also if there are none, 2 invalid option, 3 the ledger could not be read.

    Example: cdb trades --since 24h
    """
    one_form(json=as_json, csv=as_csv)
    with exit_codes():
        begin = read_since(since)
        with opened(replay) as ledger:
            found = trades_since(ledger, begin)
    most = last or (LAST if begin.when is None else len(found))
    shown = found[-most:] if most else []
    if as_json:
        print_json(trades_json(ledger, begin, shown))
    elif as_csv:
        print_exactly(csv_text(TRADE_COLUMNS, shown))
    elif shown:
        console().print(trades_table(shown))
        if len(shown) < len(found):
            typer.echo(f"These are the newest {len(shown):,} of {len(found):,}; --last {len(found)} shows all.")
    else:
        when = begin.before(ledger.now)
        typer.echo(f"No trade has been closed{f' since {moment(when)} UTC' if when else ''}.")


def pnl(
    by: Annotated[Group, typer.Option(help="Group by the UTC day of closing, by symbol or by strategy.")] = Group.DAY,
    since: SinceOption = None,
    replay: ReplayOption = None,
    as_json: JsonOption = False,
    as_csv: CsvFlag = False,
) -> None:
    """Show the result, the fees and the win rate of closed trades by day, symbol or strategy.

    Results are after fees. Without --since the last lines lead to the account's realised result: closed trades, plus
    what was sold of positions that are still open. With --since only trades closed since are counted.

    Exit code: 0 shown, 1 the ledger does not add up (`cdb audit` shows where), 2 invalid option,
    3 the ledger could not be read.

    Example: cdb pnl --by strategy --since 30d
    """
    one_form(json=as_json, csv=as_csv)
    with exit_codes():
        begin = read_since(since)
        with opened(replay) as ledger:
            found = earned(ledger, begin, by.value)
    if as_json:
        print_json(found.as_json())
    elif as_csv:
        print_exactly(csv_text(found.columns(), found.groups.items()))
    else:
        console().print(earned_table(found))
        if found.since:
            typer.echo(f"Trades closed since {moment(found.since)} UTC.")
    if found.account is not None and not found.account.adds_up:
        complain("the fills do not add up to the account's realised result: `cdb audit` shows where")
        raise typer.Exit(1)
