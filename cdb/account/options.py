"""Options that every command has which reads the account, and what they say."""

import re
from typing import Annotated, Final

import typer

from cdb.account.since import Since
from cdb.backtest.times import time_ns
from cdb.kit.errors import USAGE
from cdb.kit.failures import fail
from cdb.kit.options import duration
from services.clock import to_datetime

SinceOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Begin so long ago, such as 30d, or at a UTC time such as 2026-01-01."),
]
ReplayOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="A ledger saved by `cdb replay` or `cdb backtest`.")
]
CsvFlag = Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")]
_DATE: Final = re.compile(r"\d{4}-")


def read_since(text: str | None) -> Since:
    """What --since says; a wrong one ends the command."""
    if text is None:
        return Since()
    if _DATE.match(text):
        return Since(to_datetime(time_ns("--since", text)))
    return Since(duration("--since", text))


def one_form(**given: bool) -> None:
    """End the command if more than one of the options that choose what is printed was given."""
    if len(chosen := [f"--{name}" for name, was_given in given.items() if was_given]) > 1:
        fail(f"{' and '.join(chosen)} cannot be used together: choose one", code=USAGE)
