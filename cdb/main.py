"""Assemble the operator's command from its groups."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final, NamedTuple

import typer

from cdb.kit.ending import end_by_signals
from cdb.kit.help import BACKUP, MONITORING, STACK, TRADING, PlainGroup, use_plain_help


class Listed(NamedTuple):
    """How `cdb --help` lists a command."""

    panel: str
    says: str
    is_group: bool = False


GROUPS: Final = {
    "stack": {
        "up": Listed(STACK, "Start the stack in the background and wait until every part is ready."),
        "status": Listed(STACK, "Show every part with its health and uptime."),
        "down": Listed(STACK, "Stop the stack and keep its data."),
        "env": Listed(STACK, "Create .env with generated secrets, or append missing secrets and required settings."),
        "clean": Listed(STACK, "Stop the stack and delete its data and logs, including the ledger and saved replays."),
    },
    "replay": {
        "replay": Listed(
            TRADING,
            "Replay a file of recorded trades through the four services, with a separate ledger and separate ports.",
        ),
        "replays": Listed(TRADING, "List, open and remove saved replay ledgers.", is_group=True),
    },
    "backtest": {
        "backtest": Listed(
            TRADING,
            "Test settings and strategies on files of recorded trades, in one process, with a report at the end.",
        )
    },
    "record": {
        "record": Listed(
            TRADING,
            "Record the trades that the running stack publishes, to a file for replays and backtests.",
        )
    },
    "audit": {"audit": Listed(TRADING, "Recompute the ledger from its rows and report rows that break a rule.")},
    "account": {
        "positions": Listed(
            TRADING,
            "Show what is held: quantity, entry, newest price, value, unrealised result and stop loss.",
        ),
        "trades": Listed(TRADING, "List closed trades, the newest last."),
        "pnl": Listed(
            TRADING, "Show the result, the fees and the win rate of closed trades by day, symbol or strategy."
        ),
    },
    "report": {
        "report": Listed(
            TRADING, "Report what the account has earned and risked, on the terminal, as a page or for a spreadsheet."
        )
    },
    "backup": {
        "backup": Listed(BACKUP, "Save the running stack's ledger, Prometheus data and notifications to one archive."),
        "restore": Listed(
            BACKUP, "Replace the running stack's ledger, metrics and notifications with those in an archive."
        ),
    },
    "breaker": {"breaker": Listed(TRADING, "Show, trip and reset the circuit breaker.", is_group=True)},
    "flatten": {"flatten": Listed(TRADING, "Close all positions, or those in one symbol, of all strategies.")},
    "dead_letters": {
        "dead-letters": Listed(
            TRADING, "List, show, resend and discard messages that a service could not process.", is_group=True
        )
    },
    "alerts": {
        "alerts": Listed(
            MONITORING,
            "Show alerts that fire or are suppressed, and those sent before (newest first).",
            is_group=True,
        )
    },
    "dashboard": {"dashboard": Listed(MONITORING, "Show one of Grafana's dashboards in the terminal.")},
    "check": {"check": Listed(MONITORING, "Check dashboards, alerts, rules and runbooks.", is_group=True)},
    "doctor": {
        "doctor": Listed(
            MONITORING, "Run the go-live checklist. For each item, show the result, what was found and how to fix it."
        )
    },
    "trace": {
        "trace": Listed(MONITORING, "Inspect stored traces: slow, failed and rejected decisions.", is_group=True)
    },
}
"""Folders of commands, in the order of `cdb --help`, each with the commands that it registers."""


_HELP: Final = """Run and inspect Claire de Binare, a paper-trading bot.

Exit codes: 0 success, 1 failure or problems found, 2 usage error, 3 the stack or a server is not running.
"""


def assembled(words: Sequence[str] | None = None) -> typer.Typer:
    """Build the command for a command line: with the group of the first of *words*, or with all groups for None.

    If *words* name no command, commands are only listed. To import all groups takes longer than most commands do.
    """
    app = typer.Typer(
        name="cdb",
        cls=PlainGroup,
        help=_HELP,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,  # a local may be a password
        callback=_options,
    )
    chosen = GROUPS if words is None else [group for group, names in GROUPS.items() if {*words[:1]} & {*names}]
    for group in chosen:
        import_module(f"cdb.{group}.command").register(app)
    if not chosen:
        every = [one for names in GROUPS.values() for one in names.items()]
        for name, listed in sorted(every, key=lambda one: one[1].is_group):  # as typer does
            app.command(name, short_help=listed.says, rich_help_panel=listed.panel)(_never_called)
    use_plain_help(app)
    return app


def main() -> None:
    """Run the command line."""
    end_by_signals()
    completing = "_CDB_COMPLETE" in os.environ  # then the words are elsewhere
    assembled(None if completing else sys.argv[1:])(prog_name="cdb")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cdb {version('claire-de-binare')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Hold what `cdb` itself takes."""


def _never_called() -> None:
    """Stand for a command where commands are only listed."""
