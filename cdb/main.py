"""Assemble the operator's command from its groups."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import typer

from cdb.kit.help import PlainGroup, use_plain_help

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


_HELP: Final = """Run and inspect Claire de Binare, a paper-trading bot.

Exit codes: 0 success, 1 failure or problems found, 2 usage error, 3 the stack or a server is not running.
"""


def assembled(words: Sequence[str] = ()) -> typer.Typer:
    """Build the command with every group, or with one group only if the first of *words* is one of its commands.

    To import all groups takes longer than most commands do.
    """
    app = typer.Typer(
        name="cdb",
        cls=PlainGroup,
        help=_HELP,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,  # a local may be a password
        callback=lambda: None,  # else a group of one command would take that command's name for an argument
    )
    for group in [name for name, commands in GROUPS.items() if {*words[:1]} & {*commands}] or GROUPS:
        import_module(f"cdb.{group}.command").register(app)
    use_plain_help(app)
    return app


def main() -> None:
    """Run the command line."""
    assembled(sys.argv[1:])(prog_name="cdb")
