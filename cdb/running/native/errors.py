"""What can go wrong with a stack, said in one line."""


class StackError(Exception):
    """The stack cannot do what was asked; the text names what, where and what to do."""
