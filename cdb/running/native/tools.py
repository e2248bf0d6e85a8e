"""Find the servers' programs on this machine."""

import os
import re
import shutil
import sys
from pathlib import Path

from cdb.running.errors import StackError

_DEBIAN = Path("/usr/lib/postgresql")


def redis_server() -> str:
    """Path of redis-server; raises StackError if it is not installed."""
    return debian_program("redis-server", package="redis-server")


def debian_program(name: str, *, package: str) -> str:
    """Path of a program; raises StackError naming its Debian package if it is not installed."""
    found = shutil.which(name)
    if not found:
        raise _missing(name, package=package)
    return found


def otelcol() -> str:
    """Path of the collector that the bootstrap builds; raises StackError without one."""
    return _built("otelcol", "the collector")


def prometheus() -> str:
    """Path of Prometheus that the bootstrap builds, or of Debian's if CDB_PROMETHEUS says so.

    Raises StackError without one.
    """
    which = os.environ.get("CDB_PROMETHEUS") or "built"
    if which not in {"built", "debian"}:
        raise StackError(f"CDB_PROMETHEUS is {which!r}; allowed: built, debian")
    if which == "debian":
        return debian_program("prometheus", package="prometheus")
    return _built("prometheus", "Prometheus")


def promtool() -> str:
    """Path of the tool that is built with Prometheus; raises StackError without one."""
    return _built("promtool", "promtool")


def jaeger() -> str:
    """Path of Jaeger that the bootstrap builds; raises StackError without one."""
    return _built("jaeger", "Jaeger")


def _built(name: str, title: str) -> str:
    program = Path(sys.prefix) / "bin" / name
    if not program.exists():
        raise StackError(f"{title} is not built: `make up` or `deploy/native/bootstrap run` builds it")
    return str(program)


def postgres_bin(major: str | None = None) -> Path:
    """Directory of PostgreSQL's programs, the newest or that of *major*; raises StackError without one."""
    versions = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda path: _number(path.parent.parent.name), reverse=True)
    directories = [path.parent for path in versions]
    if on_path := shutil.which("postgres"):
        directories.append(Path(on_path).resolve().parent)
    if not directories:
        raise _missing("postgres", package="postgresql")
    if major is None:
        return directories[0]
    for directory in directories:
        if directory.parent.name == major or directory.parent.parent != _DEBIAN:
            return directory
    raise StackError(
        f"PostgreSQL {major} created the ledger but is not installed (found {', '.join(str(d) for d in directories)}): "
        f"install postgresql-{major}, or run `cdb clean` to delete all data and start with an empty ledger"
    )


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0


def _missing(program: str, *, package: str) -> StackError:
    return StackError(f"{program} is not installed: `make up` or `apt-get install {package}` installs it")
