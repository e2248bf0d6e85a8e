"""A real Redis and a real PostgreSQL for the whole test run, with an empty bus and a fresh ledger for each test.

Fixtures (handed out by tests/integration): `servers` for the run, `database` and `bus_client` for one test.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import psycopg2
import psycopg2.extensions
import pytest
import redis
from psycopg2 import sql

from cdb.running.native import Ports, Stack, StackConfig, select
from services.bus.streams import connect
from services.ledger.connection import Ledger, LedgerAddress
from services.ledger.migrate import migrate
from services.migrate import LAYERS_OF_THE_LEDGER
from services.settings import LedgerSettings
from tests.support.paths import ROOT
from tests.support.programs import require_parts

_TEMPLATE: Final = "migrated"


@dataclass(frozen=True)
class Database:
    """One database with the ledger's schema."""

    servers: "Servers"
    name: str

    @property
    def settings(self) -> LedgerSettings:
        """Return how to reach it, as services read it."""
        return self.servers.ledger_settings(self.name)

    @property
    def address(self) -> LedgerAddress:
        """Return how to reach it, as Ledger takes it."""
        return LedgerAddress.of(self.settings)

    def ledger(self, application: str = "test", *, writer_role: str | None = None) -> Ledger:
        """Return a connection of the project's own kind; the caller closes it."""
        return Ledger(self.address, application=application, writer_role=writer_role)

    def query(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run and commit *statement*; return its rows, [] if it has none."""
        with closing(self.servers.connect(self.name)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def environment(self, **more: str) -> dict[str, str]:
        """Return all that a service, or cdb, needs in its environment to use these servers and this ledger."""
        return {**self.servers.stack.config.process_environment(), "POSTGRES_DB": self.name, **more}


@dataclass(frozen=True)
class Servers:
    """Redis and PostgreSQL on free ports; `stack` restarts, stops and starts them by name for tests of faults."""

    stack: Stack
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def ports(self) -> Ports:
        """Return the ports of both servers, and free ones for the services."""
        return self.stack.config.ports

    def ledger_settings(self, database: str) -> LedgerSettings:
        """Return how to reach *database*."""
        return LedgerSettings.model_validate({**self.stack.config.process_environment(), "POSTGRES_DB": database})

    def connect(self, database: str) -> psycopg2.extensions.connection:
        """Return a plain connection to *database*; the caller closes it."""
        settings = self.ledger_settings(database)
        connection: psycopg2.extensions.connection = psycopg2.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            user=settings.postgres_user,
            password=settings.postgres_password.get_secret_value(),
            dbname=database,
        )
        return connection

    def redis(self) -> redis.Redis:
        """Return a client of Redis that answers in bytes, as the services have it; the caller closes it."""
        password = self.stack.config.environment["REDIS_PASSWORD"]
        return connect(host="127.0.0.1", port=self.ports.redis, password=password)

    def make_database(self, *, template: str = _TEMPLATE) -> Database:
        """Return a new database, by default with an empty ledger; a copy of *template*, which nobody may be using."""
        database = Database(self, f"ledger_{next(self._numbers)}")
        self._on_no_transaction("CREATE DATABASE {} TEMPLATE {}", database.name, template)
        return database

    def drop_database(self, database: Database) -> None:
        """Remove *database*, also while somebody is connected to it."""
        self._on_no_transaction("DROP DATABASE {} WITH (FORCE)", database.name)

    def make_template(self) -> None:
        """Create the database that each test's ledger is copied from."""
        self._on_no_transaction("CREATE DATABASE {} TEMPLATE {}", _TEMPLATE, "template0")
        migrate(self.ledger_settings(_TEMPLATE), layers=LAYERS_OF_THE_LEDGER)

    def _on_no_transaction(self, statement: str, *names: str) -> None:
        with closing(self.connect(self.stack.config.environment["POSTGRES_DB"])) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Run both servers for the whole test run."""
    parts = select(("redis", "postgres"))
    stack = Stack(StackConfig.isolated(ROOT, tmp_path_factory.mktemp("servers"), parts=parts))
    require_parts(stack.config)
    try:
        with stack:
            found = Servers(stack)
            found.make_template()
            yield found
    finally:
        stack.remove()


@pytest.fixture
def database(servers: Servers) -> Iterator[Database]:
    """Give an empty ledger of the test's own."""
    made = servers.make_database()
    yield made
    servers.drop_database(made)


@pytest.fixture
def bus_client(servers: Servers) -> Iterator[redis.Redis]:
    """Give a client of a Redis that holds nothing; the server is shared, so one test at a time."""
    client = servers.redis()
    client.flushall()
    yield client
    client.close()
