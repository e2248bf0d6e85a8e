"""Turn what is expected to go wrong into one line on standard error and a documented exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import typer

from cdb.kit.printable import printable
from cdb.running.native import StackError
from services.errors import ServerAway

REFUSED: Final = 1
"""What was asked for was looked at and cannot be done, or does not hold."""
AWAY: Final = 3
"""A server, its database or its settings are not there, so nothing was looked at."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """End the command with AWAY and one line if a server or its settings are not to be had."""
    try:
        yield
    except (ServerAway, StackError, OSError) as error:
        fail(str(error), code=AWAY)


def fail(line: str, *, code: int = REFUSED) -> NoReturn:
    """End the command with *code* and one *line*."""
    typer.secho(f"cdb: {printable(line)}", err=True, fg=typer.colors.RED)
    raise typer.Exit(code)
