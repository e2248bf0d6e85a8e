"""What can go wrong with a stack, said in one line."""

from cdb.kit.errors import CommandError, Refused


class StackError(CommandError):
    """The stack cannot do what was asked; the text says what, where and what to do."""


class InUse(StackError):
    """Another command is at work on the stack; the text names it."""


class NotBuilt(StackError):
    """The program of a part is not built yet, and nothing else is wrong; the text names it."""


class BackupError(Refused):
    """A backup cannot be made or restored; the text says why, and what is there is as it was."""
