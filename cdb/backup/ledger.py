"""The ledger as one file, by PostgreSQL's own programs, and back."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, cast

from cdb.running.base import LedgerPrograms
from cdb.running.errors import BackupError
from services.ledger.connection import MIGRATING

_COPY: Final = re.compile(rb"COPY (?:public\.)?\"?(\w+)\"? \(.*\) FROM stdin;\n")
_ASIDE: Final = "before_restore"
"""Schema that holds the old ledger until all that follows a restore has gone well."""
_DROP_ASIDE: Final = f"SET client_min_messages = warning; DROP SCHEMA IF EXISTS {_ASIDE} CASCADE"
# The new schema public has the old one's owner and grants, which differ between PostgreSQL's versions.
_BEGIN: Final = f"""
SET application_name = 'cdb_restore';
BEGIN;
DO $$
DECLARE
    owner text := (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public');
    granted record;
BEGIN
    ALTER SCHEMA public RENAME TO {_ASIDE};
    EXECUTE format('CREATE SCHEMA public AUTHORIZATION %s', owner);
    FOR granted IN
        SELECT privilege_type AS what, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS whom
        FROM pg_namespace, aclexplode(nspacl) WHERE nspname = '{_ASIDE}'
    LOOP
        EXECUTE format('GRANT %s ON SCHEMA public TO %s', granted.what, granted.whom);
    END LOOP;
END $$;
"""  # noqa: S608  a constant
# In a container a program outlives its caller: it must not commit when the services have been started again.
_PUT_BACK: Final = f"""
SET client_min_messages = warning;
SELECT pg_terminate_backend(pid, 4000) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name IN ('cdb_restore', '{MIGRATING}');
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{_ASIDE}') THEN
        DROP SCHEMA public CASCADE;
        ALTER SCHEMA {_ASIDE} RENAME TO public;
    END IF;
END $$
"""  # noqa: S608  constants
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
    arguments = ("--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={_ASIDE}")
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


@contextmanager
def replaced(programs: LedgerPrograms, source: Path) -> Iterator[None]:
    """Replace the ledger, in one transaction, by what `dump` wrote. If that or the block fails, it is as it was.

    Raises BackupError.
    """
    _execute(programs, _DROP_ASIDE)  # a restore that was killed left it
    try:
        _load(programs, source)
        yield
    except BaseException as error:
        try:
            _execute(programs, _PUT_BACK)
        except BackupError as failure:
            raise BackupError(f"{error}; then the old ledger could not be put back: {failure}") from error
        raise
    with suppress(BackupError):  # somebody reads the old tables: the next restore drops them
        _execute(programs, _DROP_ASIDE)


def _load(programs: LedgerPrograms, source: Path) -> None:
    """Run the dump's statements on an empty schema. The COMMIT follows a whole dump only."""
    command = [*programs.restore, "--no-owner", "--no-privileges", "--file=-"]
    with (
        _run(programs, programs.sql, source=subprocess.PIPE) as psql,
        suppress(BrokenPipeError),  # psql has ended over a statement, and its error is raised
        cast("IO[bytes]", psql.stdin) as script,
    ):
        script.write(_BEGIN.encode())
        with source.open("rb") as file, _run(programs, command, source=file, output=subprocess.PIPE) as reading:
            shutil.copyfileobj(cast("IO[bytes]", reading.stdout), script)
        script.write(b"COMMIT;\n")


def _execute(programs: LedgerPrograms, statements: str) -> None:
    with _run(programs, [*programs.sql, f"--command={statements}"]):
        pass


@contextmanager
def _run(
    programs: LedgerPrograms,
    command: Sequence[str],
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
        raise BackupError(next((line for line in said.splitlines() if "error:" in line.lower()), whole))
