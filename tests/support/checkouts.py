"""What an operator's stack would be, started from some checkout."""

from pathlib import Path

from cdb.running.native import StackConfig, select


def operators(checkout: Path, **environ: str) -> StackConfig:
    """The operator's stack of *checkout* in a shell with *environ*, without parts."""
    return StackConfig.for_operator(checkout, environ, parts=select(()))
