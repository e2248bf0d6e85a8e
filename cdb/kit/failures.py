"""Turn what is expected to go wrong into one line on standard error and a documented exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from cdb.kit.errors import AWAY, REFUSED, Away, CommandError, in_words
from cdb.kit.printable import printable
from services.errors import ServerAway


@contextmanager
def exit_codes(otherwise: int = AWAY) -> Iterator[None]:
    """End the command with one line where it meets an expected error; *otherwise* is for errors without a code."""
    try:
        yield
    except Away as error:
        fail(f"{error}; `cdb status` shows what runs, `cdb up` starts the stack", code=AWAY)
    except CommandError as error:
        fail(str(error), code=error.exit_code or otherwise)
    except ServerAway as error:
        fail(str(error), code=otherwise)
    except OSError as error:
        fail(in_words(error), code=otherwise)


def complain(line: str) -> None:
    """Print one *line* on standard error, as all errors of commands look."""
    typer.secho(f"cdb: {printable(line)}", err=True, fg=typer.colors.RED)


def fail(line: str, *, code: int = REFUSED) -> NoReturn:
    """End the command with *code* and one *line*."""
    complain(line)
    raise typer.Exit(code)
