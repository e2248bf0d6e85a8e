"""One process's connection to the ledger: opened when needed, errors translated once, a single writer per role."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from opentelemetry import trace
from pydantic import SecretStr

from services.errors import ServerAway
from services.settings import LedgerSettings

SCHEMA_VERSION: Final = "0006"
MIGRATING: Final = "cdb_migrate"
"""Name under which PostgreSQL shows who changes the schema."""
STATEMENT_TIMEOUT_MS: Final = 5_000
_CONNECT: Final[dict[str, Any]] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,
}
_SESSION: Final = {
    "statement_timeout": STATEMENT_TIMEOUT_MS,
    "timezone": "UTC",
    "client_min_messages": "warning",
    # The server's end: a session whose client the network has cut off must not keep the writer's lock.
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 2,
    "tcp_user_timeout": 5_000,
}
_FEW_ROWS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""A writer's statements look up few rows by their keys. Their plans are kept, and what was planned while a table was
nearly empty would read all of it again and again once it is not."""

SILENT_S: Final = 2.0
"""A writer that works asks the ledger something every second."""
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext(%(role)s))"
_END_SILENT: Final = """
    SELECT pg_terminate_backend(pid, 1000) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND (classid::bigint << 32 | objid::bigint) = hashtext(%(role)s)
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND state LIKE 'idle%%' AND state_change < clock_timestamp() - make_interval(secs => %(silent_s)s)
"""

_AWAY: Final = frozenset({"08", "40", "53", "55", "57", "58"})
"""SQLSTATE classes of a server that cannot do it now: connection, rollback, resources, locks, shutdown, system."""

Cursor = psycopg2.extensions.cursor
Arguments = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True)
class LedgerAddress:
    """Where the ledger is and who asks. Its repr hides the password.

    A host that begins with / is the directory of the server's Unix socket, as libpq has it.
    """

    host: str
    port: int
    user: str
    database: str
    password: SecretStr

    @classmethod
    def of(cls, settings: LedgerSettings) -> "LedgerAddress":
        """Take the address from settings."""
        return cls(
            settings.postgres_host,
            settings.postgres_port,
            settings.postgres_user,
            settings.postgres_db,
            settings.postgres_password,
        )


def connect(address: LedgerAddress, *, timeout_s: int = 2, **options: Any) -> psycopg2.extensions.connection:
    """Open a session at *address*, whatever PGHOSTADDR, PGSSLMODE and the other variables of libpq say.

    Some of them win over what is passed here, so they are removed from this process.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        os.environ.pop(name, None)
    connection: psycopg2.extensions.connection = psycopg2.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        dbname=address.database,
        password=address.password.get_secret_value(),
        connect_timeout=timeout_s,
        **options,
    )
    return connection


class Ledger:
    """A connection that is made at the first transaction and again after it broke. Not thread-safe: one per thread.

    With *writer_role*, only one process at a time gets past the first transaction: a second one meets ServerAway
    until the first has ended, so two copies of a service can never write side by side. The role is a lock of the
    session: a writer that was silent for *silent_s* loses both together, and what it had not committed. *instrument*
    gets each new connection; what it does to cursors holds while a span is current, so that polling makes no spans, and
    always if it *instruments_all*. Without *flushes* a commit does not wait for the disk: if the machine dies, the
    newest ones are lost, never a part of one.
    """

    def __init__(
        self,
        address: LedgerAddress,
        *,
        application: str,
        writer_role: str | None = None,
        instrument: Callable[[psycopg2.extensions.connection], None] | None = None,
        instruments_all: bool = False,
        flushes: bool = True,
        silent_s: float = SILENT_S,
    ) -> None:
        self._address = address
        self._application = application
        self._writer_role = writer_role
        self._silent_s = silent_s
        self._instrument = instrument
        self._instruments_all = instruments_all
        self._session = {
            **_SESSION,
            **({} if flushes else {"synchronous_commit": "off"}),
            **(_FEW_ROWS if writer_role else {}),
        }
        self._prepared: list[str] = []
        self._connection: psycopg2.extensions.connection | None = None
        self._connections = 0

    @property
    def session(self) -> int:
        """Which connection this is, counted from 1; 0 without one. As long as it lasts nobody else has its role."""
        return self._connections if self._connection is not None and not self._connection.closed else 0

    def prepare(self, *statements: str) -> None:
        """Have these PREPARE statements run on every new connection, so that what is asked often is planned once."""
        self._prepared += statements
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Yield a cursor in a transaction that commits at the end; raise ServerAway if the ledger cannot do it now."""
        with self._translated():
            connection = self._connected()
            with connection, self._cursor(connection) as cursor:
                yield cursor

    def execute(self, statement: str, arguments: Arguments = ()) -> list[tuple[Any, ...]]:
        """Run one statement as a transaction of its own, in a single round trip; return its rows.

        Raise ServerAway if the ledger cannot do it now.
        """
        with self._translated():
            connection = self._connected()
            connection.autocommit = True
            try:
                with self._cursor(connection) as cursor:
                    cursor.execute(statement, arguments)
                    return cursor.fetchall() if cursor.description else []
            finally:
                if not connection.closed:
                    connection.autocommit = False

    def ping(self) -> None:
        """Raise ServerAway unless the ledger answers."""
        self.execute("SELECT 1")

    def wake(self) -> None:
        """Drop a connection that broke while nobody used it, so that what follows finds a new one."""
        with suppress(ServerAway):
            self.ping()

    def close(self) -> None:
        """Drop the connection; the next transaction makes a new one."""
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._drop(self._connection)
        self._connection = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            if error.pgcode is not None and error.pgcode[:2] not in _AWAY:
                raise  # the server is there and refuses this statement: that is the message's fault, not the server's
            self.close()
            raise ServerAway("PostgreSQL", error) from error
        except psycopg2.errors.ReadOnlySqlTransaction as error:
            raise ServerAway("PostgreSQL", error) from error

    def _connected(self) -> psycopg2.extensions.connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> psycopg2.extensions.connection:
        connection = self._open()
        try:
            self._check_ready(connection)
        except BaseException:
            self._drop(connection)
            raise
        if self._instrument is not None:
            self._instrument(connection)
        self._connections += 1
        return connection

    def _open(self) -> psycopg2.extensions.connection:
        return connect(
            self._address,
            application_name=self._application,
            options=" ".join(f"-c {name}={value}" for name, value in self._session.items()),
            **_CONNECT,
        )

    def _drop(self, connection: psycopg2.extensions.connection) -> None:
        connection.close()

    def _cursor(self, connection: psycopg2.extensions.connection) -> Cursor:
        """A cursor as the connection makes them if it is to have spans, else one that nobody instruments."""
        if self._instruments_all or trace.get_current_span().is_recording():
            return connection.cursor()
        return connection.cursor(cursor_factory=Cursor)

    def _check_ready(self, connection: psycopg2.extensions.connection) -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
            row = cursor.fetchone()
            if not row or not row[0]:
                raise ServerAway("PostgreSQL", "the ledger has no schema yet (the part migrate makes it)")
            cursor.execute("SELECT version_num FROM alembic_version")
            row = cursor.fetchone()
            if not row or row[0] != SCHEMA_VERSION:
                raise ServerAway(
                    "PostgreSQL", f"the ledger's schema is {row and row[0]}, this code needs {SCHEMA_VERSION}"
                )
            if self._writer_role is not None:
                _refuse_pooler(connection, cursor)
                if not self._has_taken_role(cursor):
                    raise ServerAway("PostgreSQL", f"another process is the ledger's {self._writer_role}")
            for statement in self._prepared:
                cursor.execute(statement)

    def _has_taken_role(self, cursor: Cursor) -> bool:
        """Take the lock of the writer's role, if need be from a process that is silent."""
        if self._has_locked(cursor):
            return True
        cursor.execute(_END_SILENT, {"role": self._writer_role, "silent_s": self._silent_s})
        return self._has_locked(cursor)

    def _has_locked(self, cursor: Cursor) -> bool:
        cursor.execute(_LOCK, {"role": self._writer_role})
        return cursor.fetchone() == (True,)


def _refuse_pooler(connection: psycopg2.extensions.connection, cursor: Cursor) -> None:
    """Raise ServerAway if a pooler answers: a writer's lock and statements need the same session all the time.

    A pooler makes up the number of the session that it tells its client, for it may be served by many.
    """
    cursor.execute("SELECT pg_backend_pid()")
    if cursor.fetchone() != (connection.info.backend_pid,):
        raise ServerAway(
            "PostgreSQL", "a connection pooler answers: set POSTGRES_HOST and POSTGRES_PORT to those of the server"
        )
