"""What a command expects to go wrong, and the exit codes that every command shares."""

from typing import ClassVar, Final

REFUSED: Final = 1
"""The command looked, and what was asked for cannot be done or does not hold."""
USAGE: Final = 2
"""The command line is wrong; nothing was looked at."""
AWAY: Final = 3
"""A server, its settings or the whole stack is not there; nothing was looked at."""
INTERRUPTED: Final = 130
"""Ctrl-C ended it."""


def in_words(error: OSError) -> str:
    """The system's words without its number: the file, if it is known, and what is wrong."""
    said = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {said}" if error.filename else said


class CommandError(Exception):
    """Ends a command with its text as the one line; the text says what is wrong, where, and what to do.

    Without an *exit_code* of its own, the command decides.
    """

    exit_code: ClassVar[int | None] = None


class Refused(CommandError):
    """What was asked for cannot be done or does not exist."""

    exit_code = REFUSED


class Away(CommandError):
    """A server does not answer, or something else answers in its place; the text says where."""

    exit_code = AWAY
