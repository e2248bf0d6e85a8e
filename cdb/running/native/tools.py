"""Find the servers' programs on this machine."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cdb.running.errors import NotBuilt, StackError

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


@dataclass(frozen=True)
class Built:
    """A program that the bootstrap builds into the virtual environment, and what people call it."""

    name: str
    title: str

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        return Path(sys.prefix) / "bin" / self.name

    def not_yet(self) -> NotBuilt:
        """What there is to say as long as it is not there."""
        return NotBuilt(f"{self.title} is not built yet: `make up` or `make test` builds it")

    def there(self) -> str:
        """Its path; raises NotBuilt."""
        if not self.path.exists():
            raise self.not_yet()
        return str(self.path)


COLLECTOR = Built("otelcol", "the collector")
JAEGER = Built("jaeger", "Jaeger")
PROMETHEUS = Built("prometheus", "Prometheus")
PROMTOOL = Built("promtool", "promtool")  # with Prometheus
ALERTMANAGER = Built("alertmanager", "Alertmanager")
AMTOOL = Built("amtool", "amtool")  # with Alertmanager


def debians() -> bool:
    """Whether CDB_PROMETHEUS chooses Debian's Prometheus and Alertmanager; raises StackError if it is neither word."""
    which = os.environ.get("CDB_PROMETHEUS") or "built"
    if which not in {"built", "debian"}:
        raise StackError(f"CDB_PROMETHEUS is {which!r}; allowed: built, debian")
    return which == "debian"


def unless_debians(program: Built) -> Built | None:
    """*program*, None if CDB_PROMETHEUS chooses Debian's; raises StackError."""
    return None if debians() else program


def built_or_debians(program: Built, *, package: str) -> str:
    """Path of *program*, there or not, or of that of Debian's *package*; raises StackError if that is missing."""
    return debian_program(package, package=package) if debians() else str(program.path)


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
