"""Assemble the operator's command from its groups."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import typer

GROUPS: Final = {
    "stack": ("up", "status", "down", "env", "clean"),
    "replay": ("replay", "replays"),
    "audit": ("audit",),
    "backup": ("backup", "restore"),
    "breaker": ("breaker",),
    "dead_letters": ("dead-letters",),
    "alerts": ("alerts",),
    "dashboard": ("dashboard",),
    "check": ("check",),
    "doctor": ("doctor",),
    "trace": ("trace",),
}
"""Folders of commands, in the order of `cdb --help`, each with the commands that it registers."""


_HELP: Final = """Run Claire de Binare, a paper-trading bot, and look inside it.

Exit codes of every command: 0 done, 1 refused, failed or not all well, 2 the command line is wrong, 3 a server or the
stack is not there.
"""


def assembled(words: Sequence[str] = ()) -> typer.Typer:
    """Build the command with every group, or with one group only if the first of *words* is one of its commands.

    To import all groups takes longer than most commands do.
    """
    app = typer.Typer(
        name="cdb",
        help=_HELP,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,  # a local may be a password
        callback=lambda: None,  # else a group of one command would take that command's name for an argument
    )
    for group in [name for name, commands in GROUPS.items() if {*words[:1]} & {*commands}] or GROUPS:
        import_module(f"cdb.{group}.command").register(app)
    return app


def main() -> None:
    """Run the command line."""
    assembled(sys.argv[1:])(prog_name="cdb")
