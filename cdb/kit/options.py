"""Options that several commands have, and questions that they ask."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from cdb.kit.errors import USAGE
from cdb.kit.failures import fail
from services import durations

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
WhyOption = Annotated[
    str, typer.Option("--why", metavar="TEXT", help="Reason, kept in the ledger with your name (up to 500 characters).")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def duration(
    option: str,
    text: str,
    *,
    least: timedelta = timedelta(microseconds=1),
    most: timedelta = durations.LONGEST,
    plain: str = "",
) -> timedelta:
    """Read the value of *option*, such as 90s or 15m; a wrong one ends the command. See services.durations."""
    try:
        return durations.parse(text, least=least, most=most, plain=plain)
    except durations.BadDuration as error:
        fail(f"{option} {error}", code=USAGE)


def confirm(question: str, *, instead: str) -> None:
    """Go on only if the operator says yes; *instead* is the command line that does not ask."""
    if not sys.stdin.isatty():
        fail(f"there is no terminal to ask for confirmation: `{instead}` runs without asking")
    if not typer.confirm(question, err=True):
        fail("nothing was changed")
