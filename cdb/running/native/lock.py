"""Let one command at a time start or stop a stack."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdb.running.errors import StackError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock; raises StackError naming the holder if another command has it. The kernel frees a dead one's."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            raise StackError(
                f"another command (pid {holder or 'unknown'}) is starting or stopping the stack in {path.parent}: "
                "try again when it has finished"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
