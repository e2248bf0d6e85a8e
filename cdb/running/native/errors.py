"""What can go wrong with a stack, said in one line."""

from cdb.kit.errors import CommandError


class StackError(CommandError):
    """The stack cannot do what was asked; the text names what, where and what to do."""
