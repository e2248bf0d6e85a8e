"""Find a stack's processes, whoever started them, and end them by pid."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cdb.running.native.config import STACK_ID, StackConfig

# How a server is asked to end; PostgreSQL would wait for its clients after a SIGTERM.
_SERVERS = {"postgres": signal.SIGINT, "redis-server": signal.SIGTERM}
_GRACE = 6.0  # seconds between asking and killing, as supervisord waits


@dataclass(frozen=True)
class PortOwner:
    """Who listens on a port, as far as this user may see."""

    pid: int | None
    name: str | None
    stack: str | None = None

    def __str__(self) -> str:
        if self.pid is None:
            return "a process of another user"
        of_stack = f", part of the stack in {self.stack}" if self.stack else ""
        return f"{self.name} (pid {self.pid}{of_stack})"


def port_owner(port: int) -> PortOwner:
    """Return the process that listens on *port*."""
    for connection in psutil.net_connections(kind="tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            try:
                process = psutil.Process(connection.pid)
                return PortOwner(process.pid, process.name(), _environ(process).get(STACK_ID))
            except psutil.Error:
                break
    return PortOwner(None, None)


def of_stack(config: StackConfig) -> list[psutil.Process]:
    """Return the stack's processes: those with its mark, and servers that overwrote theirs but work in its data."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    servers = {part.data_dir(config) for part in config.parts if part.data_dir}
    return [p for p in psutil.process_iter() if p.pid not in own and _belongs(p, config.stack_id, servers)]


def end(processes: Iterable[psutil.Process]) -> list[str]:
    """End *processes*, stopped ones too: ask, wait, then kill; servers after their clients. Return their names."""
    names = {process: _name(process) for process in processes}
    clients = [process for process, name in names.items() if name not in _SERVERS]
    servers = [process for process, name in names.items() if name in _SERVERS]
    for group in (clients, servers):
        _end_together(group, names)
    return [f"{name} (pid {process.pid})" for process, name in names.items()]


def _end_together(group: list[psutil.Process], names: dict[psutil.Process, str]) -> None:
    pids = {process.pid for process in group}
    for process in group:
        # A server's children are its own to end, in order; only if it cannot they are killed below.
        if _parent_pid(process) not in pids:
            _signal(process, _SERVERS.get(names[process], signal.SIGTERM))
        _signal(process, signal.SIGCONT)
    _, stubborn = psutil.wait_procs(group, timeout=_GRACE)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=_GRACE)


def wait_gone(pid: int, timeout: float) -> None:
    """Wait up to *timeout* seconds for the end of a process."""
    with suppress(psutil.Error):
        psutil.Process(pid).wait(timeout)


def _belongs(process: psutil.Process, stack_id: str, servers: set[Path]) -> bool:
    if _environ(process).get(STACK_ID) == stack_id:
        return True
    try:
        # PostgreSQL and Redis write their titles over their environment; they stay in their data directory.
        return process.name() in _SERVERS and Path(process.cwd()) in servers
    except psutil.Error:
        return False


def _environ(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return "ended"


def _parent_pid(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
