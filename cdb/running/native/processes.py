"""Find a stack's processes, whoever started them, and end them by pid."""

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

from cdb.running.errors import StackError
from cdb.running.native.config import STACK_ID, StackConfig
from cdb.running.native.ports import Ports, can_listen

# How a server is asked to end; PostgreSQL would wait for its clients after a SIGTERM.
_SERVERS = {"postgres": signal.SIGINT, "redis-server": signal.SIGTERM}
_GRACE = 6.0  # seconds between asking and killing, as supervisord waits


T = TypeVar("T")


def port_owner(port: int) -> str:
    """Name the process that listens on *port*, as far as this user may see it."""
    for connection in psutil.net_connections(kind="tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            with suppress(psutil.Error):
                process = psutil.Process(connection.pid)
                stack = _stack_of(process)
                of_stack = f", part of the stack in {stack}" if stack else ""
                return f"{process.name()} (pid {process.pid}{of_stack})"
    return "a process of another user"


def refuse_taken_ports(config: StackConfig) -> None:
    """Raise StackError naming a port that a part cannot listen on, who has it, and the setting of another one."""
    variables = Ports.variables()
    for name in (port for part in config.parts for port in part.ports):
        port = config.ports.of(name)
        if not can_listen(port):
            raise StackError(
                f"port {port} ({name}) is taken by {port_owner(port)}: stop it, or set {variables[name]} to a free port"
            )


def of_stack(config: StackConfig) -> list[psutil.Process]:
    """Find the stack's processes: those with its mark, and servers that overwrote it but work in its data."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    servers = {part.data_dir(config) for part in config.parts if part.data_dir}
    return [p for p in psutil.process_iter() if p.pid not in own and _belongs(p, str(config.state_dir), servers)]


def end(processes: Iterable[psutil.Process]) -> list[str]:
    """End *processes*, stopped ones too: ask, wait, then kill; servers after their clients. Gives their names."""
    names = {process: _asked(process.name, "ended") for process in processes}
    clients = [process for process, name in names.items() if name not in _SERVERS]
    servers = [process for process, name in names.items() if name in _SERVERS]
    for group in (clients, servers):
        _end_together(group, names)
    return [f"{name} (pid {process.pid})" for process, name in names.items()]


def _end_together(group: list[psutil.Process], names: dict[psutil.Process, str]) -> None:
    pids = {process.pid for process in group}
    for process in group:
        # A server's children are its own to end, in order; only if it cannot they are killed below.
        if _asked(process.ppid, None) not in pids:
            _send(process, _SERVERS.get(names[process], signal.SIGTERM))
        _send(process, signal.SIGCONT)
    _, stubborn = psutil.wait_procs(group, timeout=_GRACE)
    for process in stubborn:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=_GRACE)


def wait_gone(pid: int, timeout: float) -> None:
    """Wait up to *timeout* seconds for the end of a process."""
    with suppress(psutil.Error):
        psutil.Process(pid).wait(timeout)


def _belongs(process: psutil.Process, stack_id: str, servers: set[Path]) -> bool:
    if _stack_of(process) == stack_id:
        return True
    # PostgreSQL and Redis write their titles over their environment; they stay in their data directory.
    folder = _asked(process.cwd, "/").removesuffix(" (deleted)")
    return _asked(process.name, "") in _SERVERS and Path(folder) in servers


def _stack_of(process: psutil.Process) -> str | None:
    return _asked(lambda: process.environ().get(STACK_ID), None)


def _asked(question: Callable[[], T], otherwise: T) -> T:
    """Ask about a process that may have ended, or be another user's."""
    try:
        return question()
    except (psutil.Error, OSError):
        return otherwise


def _send(process: psutil.Process, number: int) -> None:
    with suppress(psutil.Error):
        process.send_signal(number)
