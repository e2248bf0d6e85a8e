"""The ledger as one file, by PostgreSQL's own programs, and back."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cdb.backup.errors import BackupError
from services.ledger.connection import Ledger, LedgerAddress

_COPY: Final = re.compile(rb"COPY (?:public\.)?\"?(\w+)\"? \(.*\) FROM stdin;\n")
_END: Final = b"\\.\n"
_NOT_ROWS: Final = frozenset({"alembic_version"})
_LOCK_TIMEOUT_S: Final = 15
_EMPTY: Final = ("signals", "orders", "fills")


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs: the words before the arguments of each, and the address as they see it."""

    dump: Sequence[str]
    restore: Sequence[str]
    address: LedgerAddress


def server_major(address: LedgerAddress) -> int:
    """Return the server's major version; raise ServerAway."""
    return int(_one(address, "SHOW server_version_num")) // 10_000


def has_traded(address: LedgerAddress) -> bool:
    """Tell whether there is anything in the ledger that a restore would replace; raise ServerAway."""
    asked = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in _EMPTY)
    return bool(_one(address, f"SELECT {asked}"))


def dump(programs: Programs, target: Path) -> None:
    """Write the whole ledger, as it is at one moment, to *target*; nobody has to wait. Raise BackupError."""
    with target.open("xb") as file:
        _run([*programs.dump, "--format=custom", "--no-owner", "--no-privileges"], programs, output=file)


def count_rows(programs: Programs, source: Path) -> dict[str, int]:
    """Return the rows of each table in what `dump` wrote, by reading all of it. Raise BackupError."""
    command = [*programs.restore, "--data-only", "--file=-"]
    counts: dict[str, int] = {}
    table = ""
    with source.open("rb") as file, _started(command, programs, file, subprocess.PIPE) as process:
        for line in process.stdout or ():
            if begin := _COPY.fullmatch(line):
                table = begin[1].decode()
                counts[table] = 0
            elif line == _END:
                table = ""
            elif table:
                counts[table] += 1
        _judge(process, command)
    return {name: counts[name] for name in sorted(counts.keys() - _NOT_ROWS)}


def restore(programs: Programs, source: Path) -> None:
    """Replace the ledger by what `dump` wrote, in one transaction. Raise BackupError, and then it is as it was."""
    arguments = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    with source.open("rb") as file:
        _run([*programs.restore, *arguments, f"--dbname={programs.address.database}"], programs, source=file)


def _one(address: LedgerAddress, statement: str) -> str | bool:
    ledger = Ledger(address, application="cdb-backup")
    try:
        value: str | bool = ledger.execute(statement)[0][0]
    finally:
        ledger.close()
    return value


def _run(
    command: list[str], programs: Programs, *, source: IO[bytes] | None = None, output: IO[bytes] | None = None
) -> None:
    with _started(command, programs, source, output or subprocess.DEVNULL) as process:
        _judge(process, command)


def _started(
    command: list[str], programs: Programs, source: IO[bytes] | None, output: IO[bytes] | int
) -> "subprocess.Popen[bytes]":
    address = programs.address
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGUSER": address.user,
        "PGDATABASE": address.database,
        "PGPASSWORD": address.password.value,  # not among the arguments, which everybody can see
        "PGCONNECT_TIMEOUT": "5",
        "PGOPTIONS": f"-c lock_timeout={_LOCK_TIMEOUT_S}s",
    }
    return subprocess.Popen(  # noqa: S603  PostgreSQL's programs, no text of others
        command, env=environment, stdin=source or subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE
    )


def _judge(process: "subprocess.Popen[bytes]", command: list[str]) -> None:
    said = (process.stderr.read() if process.stderr else b"").decode(errors="replace").strip()
    if process.wait() != 0:
        line = next((text for text in said.splitlines() if "error:" in text), said or f"exit {process.returncode}")
        raise BackupError(f"{Path(command[0]).name}: {line}")
