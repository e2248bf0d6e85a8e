"""Let one command at a time use a stack."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from cdb.running.errors import InUse, StackError


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of *what*; raises InUse naming the command that has it. The kernel frees a dead one's."""
    descriptor = _open(path, what)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path, what: str) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StackError(f"{what} cannot be used, for {path} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(os.pread(descriptor, 32, 0).decode(errors="replace").strip())
            os.close(descriptor)
            raise InUse(f"{what} is in use by {holder}: try again when it has finished") from error
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # whoever had it removed the file


def _holder(pid: str) -> str:
    """Name the command of the process *pid*, without its arguments: they may hold secrets."""
    with suppress(psutil.Error, ValueError):
        words = psutil.Process(int(pid)).cmdline()
        programs = [Path(word).name for word in words]
        if "cdb" in programs[:-1]:
            return f"`cdb {words[programs.index('cdb') + 1]}` (pid {pid})"
        return f"{programs[0]} (pid {pid})"
    return "another command"
