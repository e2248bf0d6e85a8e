"""Run the parts under supervisord: its configuration, its start, and its remote procedures."""

import configparser
import http.client
import os
import secrets
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from pathlib import Path
from typing import Any

import msgspec
from supervisor.xmlrpc import SupervisorTransport

from cdb.running.errors import StackError
from cdb.running.native import envfile
from cdb.running.native.config import Kind, Part, StackConfig
from cdb.running.native.files import ini, write_private
from services.decoding import prepared

_USER = "cdb"
_RPC_TIMEOUT = 4.0  # seconds
_STOP_WAIT = 10  # seconds from the stop signal to a part's end before it is killed
_START_TIMEOUT = 30.0  # seconds
_NICENESS = 10  # of what yields: where both want the processor, decisions go before pages and queries
_RPC_FACTORY = "supervisor.rpcinterface:make_main_rpcinterface"


class ProcessInfo(msgspec.Struct, frozen=True):
    """What supervisord knows about one part, in its own words; times are Unix seconds by its clock."""

    name: str
    statename: str
    pid: int  # 0 without a process
    start: int
    now: int
    exitstatus: int
    spawnerr: str

    @property
    def running(self) -> bool:
        """Whether there is a process (which need not be ready yet)."""
        return self.statename in {"STARTING", "RUNNING", "STOPPING"}

    @property
    def uptime(self) -> float:
        """Seconds since the process began."""
        return float(max(0, self.now - self.start)) if self.running else 0.0


class SupervisorClient:
    """Supervisord's remote procedures over its Unix socket. Every call raises StackError if there is no answer."""

    def __init__(self, socket_path: Path, password: str) -> None:
        self._socket_path = socket_path
        self._password = password

    @classmethod
    def of(cls, config: StackConfig) -> "SupervisorClient | None":
        """Client of a stack that was started, None if it was not."""
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(config.layout.supervisor_conf.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(config.layout.supervisor_socket, parser.get("unix_http_server", "password"))

    def alive(self) -> bool:
        """Whether supervisord answers."""
        if not self._socket_path.exists():
            return False
        try:
            self._call("getState")
        except StackError:
            return False
        return True

    def processes(self) -> dict[str, ProcessInfo]:
        """Ask about every part, by name."""
        found = msgspec.convert(self._call("getAllProcessInfo"), prepared(tuple[ProcessInfo, ...]))
        return {info.name: info for info in found}

    def start(self, name: str) -> None:
        """Start a part without waiting for it; leaves a running one alone."""
        self._call("startProcess", name, False, harmless=("ALREADY_STARTED",))

    def stop(self, name: str, *, wait: bool = True) -> None:
        """Stop a part, and wait for its end if *wait*; leaves a stopped one alone."""
        self._call("stopProcess", name, wait, harmless=("NOT_RUNNING",), timeout=_RPC_TIMEOUT + 2 * _STOP_WAIT)

    def pid(self) -> int:
        """Ask for supervisord's own pid."""
        return int(self._call("getPID"))

    def shutdown(self) -> None:
        """Have supervisord stop all that still runs, and exit."""
        self._call("shutdown")

    def _call(
        self, method: str, *arguments: object, harmless: tuple[str, ...] = (), timeout: float = _RPC_TIMEOUT
    ) -> Any:
        transport = _Transport(self._socket_path, self._password, timeout)
        proxy = xmlrpc.client.ServerProxy("http://supervisor", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultString.split(":")[0] in harmless:
                return None
            raise StackError(f"supervisord rejected {method}{arguments}: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise StackError(f"supervisord does not answer on {self._socket_path}: {error}") from error
        finally:
            transport.close()


class _Transport(SupervisorTransport):  # type: ignore[misc]  # supervisor has no types
    """Supervisor's transport with a time-out, so that a supervisord that hangs is noticed."""

    def __init__(self, socket_path: Path, password: str, timeout: float) -> None:
        super().__init__(_USER, password, f"unix://{socket_path}")
        self._get_connection = lambda: _Connection(socket_path, timeout)


class _Connection(http.client.HTTPConnection):
    def __init__(self, socket_path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._socket_path = socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._socket_path))


def launch(config: StackConfig) -> SupervisorClient:
    """Write the configuration and start supervisord as a daemon; raises StackError if it fails."""
    password = secrets.token_urlsafe(24)
    write_private(config.layout.supervisor_conf, render(config, password))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config.layout.supervisor_conf)]
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter, fixed arguments
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_START_TIMEOUT,
            cwd=config.root,
            env=config.process_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"supervisord did not start within {_START_TIMEOUT:.0f} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[0]
        raise StackError(f"supervisord does not start: {said}")
    return SupervisorClient(config.layout.supervisor_socket, password)


def render(config: StackConfig, password: str) -> str:
    """Write out supervisord's configuration; the socket's password is the only secret in it."""
    layout = config.layout
    sections: dict[str, dict[str, object]] = {
        "unix_http_server": {
            "file": layout.supervisor_socket,
            "chmod": "0600",
            "username": _USER,
            "password": password,
        },
        "rpcinterface:supervisor": {"supervisor.rpcinterface_factory": _RPC_FACTORY},
        "supervisord": {
            "logfile": layout.log("supervisord"),
            "logfile_maxbytes": "10MB",
            "logfile_backups": 3,
            "pidfile": layout.supervisor_pid,
            "childlogdir": layout.logs,
            "directory": config.root,
            "minfds": 256,
            "minprocs": 64,
            "nocleanup": "true",
            **({"user": "root"} if os.geteuid() == 0 else {}),
        },
    }
    for order, part in enumerate(config.parts):
        sections[f"program:{part.name}"] = _program(config, part, priority=order + 1)
    for value in (str(value) for values in sections.values() for value in values.values()):
        # Comments begin with the former two; the last is expanded, in some places twice.
        if any(mark in value for mark in (" ;", " #", "%")) or not value.isprintable():
            raise StackError(
                f"{value!r} has ' ;', ' #', '%' or a control character: supervisord cannot use such a path"
            )
    return ini(sections)


def _program(config: StackConfig, part: Part, *, priority: int) -> dict[str, object]:
    user = part.user(config) if part.user else None
    once = part.kind is Kind.ONE_SHOT
    return {
        "command": shlex.join(_command(config, part)),
        "directory": "/" if user else config.root,  # another user may not be able to enter the checkout
        "priority": priority,
        **({"user": user} if user else {}),
        "autostart": "false" if part.unbuilt() else "true",
        "autorestart": "false" if once else "true",
        "startsecs": 0 if once else 1,
        "startretries": 1_000_000,
        "stopsignal": part.stop_signal,
        "stopwaitsecs": _STOP_WAIT,
        # A postmaster ends its children itself, in order; signalling them too would look like a crash.
        "stopasgroup": "false" if part.kind is Kind.SERVER else "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": config.layout.log(part.name),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 3,
    }


def _command(config: StackConfig, part: Part) -> list[str]:
    """Put env(1) before the part's command line, which takes away the secrets that it does not need, and nice(1)."""
    kept_from_it = [name for name in envfile.SECRETS if name not in part.secrets]
    own = part.environment(config) if part.environment else {}
    unset = [word for name in kept_from_it for word in ("-u", name)]
    nice = ["nice", "-n", str(_NICENESS)] if part.yields else []
    return [*nice, "env", *unset, *(f"{name}={value}" for name, value in own.items()), *part.command(config)]
