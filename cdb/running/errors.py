"""What can go wrong with a stack, said in one line."""


class StackError(Exception):
    """The stack cannot do what was asked; the text says what, where and what to do."""


class BackupError(Exception):
    """A backup cannot be made or restored; the text says why, and what is there is as it was."""
