"""The ledger as one file, by PostgreSQL's own programs, and back."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from cdb.running.base import LedgerPrograms
from cdb.running.errors import BackupError, StackError
from services.errors import ServerAway

_COPY: Final = re.compile(rb"COPY (?:public\.)?\"?(\w+)\"? \(.*\) FROM stdin;\n")
# In a container it outlives its caller: it must not commit when the services have been started again.
_END_RESTORE: Final = (
    "SELECT count(pg_terminate_backend(pid, 4000)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'pg_restore'"
)
_END: Final = b"\\.\n"
_NOT_COUNTED: Final = frozenset({"alembic_version"})
_TRADED: Final = ("signals", "orders", "fills")


def server_major(programs: LedgerPrograms) -> int:
    """Ask for the server's major version."""
    return int(programs.ask("SHOW server_version_num")) // 10_000


def has_traded(programs: LedgerPrograms) -> bool:
    """Whether a restore would replace anything of worth."""
    asked = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in _TRADED)
    return programs.ask(f"SELECT ({asked})::int") == "1"


def stored_bytes(programs: LedgerPrograms) -> int:
    """Ask how much room the ledger takes. Sizes of single tables would wait for whoever has locked one."""
    return int(programs.ask("SELECT pg_database_size(current_database())"))


def dump(programs: LedgerPrograms, target: Path) -> None:
    """Write the whole ledger, as it is at one moment, to *target*; nobody has to wait. Raises BackupError."""
    arguments = ("--format=custom", "--no-owner", "--no-privileges")
    with target.open("xb") as file, _run(programs, [*programs.dump, *arguments], output=file):
        pass


def count_rows(programs: LedgerPrograms, source: Path) -> dict[str, int]:
    """Count the rows of each table in what `dump` wrote, by reading all of it. Raises BackupError."""
    command = [*programs.restore, "--data-only", "--file=-"]
    counts: dict[str, int] = {}
    table = ""
    with source.open("rb") as file, _run(programs, command, source=file, output=subprocess.PIPE) as process:
        for line in process.stdout or ():
            if begin := _COPY.fullmatch(line):
                table = begin[1].decode()
                counts[table] = 0
            elif line == _END:
                table = ""
            elif table:
                counts[table] += 1
    return {name: counts[name] for name in sorted(counts.keys() - _NOT_COUNTED)}


def restore(programs: LedgerPrograms, source: Path) -> None:
    """Replace the ledger by what `dump` wrote, in one transaction. Raises BackupError; then it is as it was."""
    arguments = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    command = [*programs.restore, *arguments, f"--dbname={programs.database}"]
    try:
        with source.open("rb") as file, _run(programs, command, source=file):
            pass
    except BaseException:
        with suppress(ServerAway, StackError):
            programs.ask(_END_RESTORE)
        raise


@contextmanager
def _run(
    programs: LedgerPrograms,
    command: list[str],
    *,
    source: IO[bytes] | int = subprocess.DEVNULL,
    output: IO[bytes] | int = subprocess.DEVNULL,
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a program; at the end of the block it must end well, else BackupError has its line of error."""
    with subprocess.Popen(  # noqa: S603  PostgreSQL's programs, no text of others
        command, env=programs.environment, stdin=source, stdout=output, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
            said = (process.stderr.read() if process.stderr else b"").decode(errors="replace").strip()
            process.wait()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        whole = f"{Path(command[0]).name}: {said or f'exit {process.returncode}'}"
        raise BackupError(next((line for line in said.splitlines() if "error:" in line), whole))
