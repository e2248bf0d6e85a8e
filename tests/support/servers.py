"""A real Redis and a real PostgreSQL for the whole test run, with an empty bus and a fresh ledger for each test.

Fixtures (handed out by tests/integration): `servers` for the run; `database`, `old_ledger` and `bus_client` for one
test.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import psycopg2.extensions
import pytest
import redis
from psycopg2 import sql

from cdb.running.native import Ports, Stack, StackConfig, select
from cdb.running.native.ports import HOST
from services.bus.client import connect
from services.ledger.connection import SILENT_S, Ledger, LedgerAddress
from services.ledger.migrate import migrate
from services.migrate import LAYERS_OF_THE_LEDGER
from services.settings import LedgerSettings
from tests.support.ledger import OLD_LEDGER, connect_ledger
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
        """Its address as the services' settings have it."""
        return self.servers.ledger_settings(self.name)

    @property
    def address(self) -> LedgerAddress:
        """Its address as Ledger takes it."""
        return LedgerAddress.of(self.settings)

    def ledger(
        self, application: str = "test", *, writer_role: str | None = None, silent_s: float = SILENT_S
    ) -> Ledger:
        """New connection of the services' own kind; the caller closes it."""
        return Ledger(self.address, application=application, writer_role=writer_role, silent_s=silent_s)

    def query(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run and commit *statement*; return its rows, [] if it has none."""
        with closing(self.servers.connect(self.name)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def environment(self, **more: str) -> dict[str, str]:
        """Environment in which a service or `cdb` uses these servers and this ledger."""
        return {**self.servers.environment(), "POSTGRES_DB": self.name, **more}


@dataclass(frozen=True)
class Servers:
    """Redis and PostgreSQL on free ports. Tests of faults stop and restart them through `stack`."""

    stack: Stack
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def ports(self) -> Ports:
        """Ports of both servers, and free ones for services."""
        return self.stack.config.ports

    def environment(self) -> dict[str, str]:
        """Environment in which a service or `cdb` uses them, by TCP, as an operator does."""
        by_tcp = {"REDIS_HOST": HOST, "POSTGRES_HOST": HOST}
        return {**self.stack.config.process_environment(), **by_tcp}

    def ledger_settings(self, database: str) -> LedgerSettings:
        return LedgerSettings.model_validate({**self.environment(), "POSTGRES_DB": database})

    def connect(self, database: str) -> psycopg2.extensions.connection:
        """New psycopg2 connection to *database*; the caller closes it."""
        return connect_ledger(self.stack.config, database)

    def redis(self) -> redis.Redis:
        """New client of the services' own kind, which answers in bytes; the caller closes it."""
        password = self.stack.config.environment["REDIS_PASSWORD"]
        return connect(host=HOST, port=self.ports.redis, password=password)

    def make_database(self, *, template: str = _TEMPLATE) -> Database:
        """New copy of *template*, by default an empty ledger. Nobody may be connected to the template."""
        database = Database(self, f"ledger_{next(self._numbers)}")
        self._on_no_transaction("CREATE DATABASE {} TEMPLATE {}", database.name, template)
        return database

    def drop_database(self, database: Database) -> None:
        """Remove *database*, even if somebody is connected to it."""
        self._on_no_transaction("DROP DATABASE {} WITH (FORCE)", database.name)

    def make_template(self) -> None:
        """Create the database from which each test's ledger is copied."""
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
    """Empty ledger for one test."""
    made = servers.make_database()
    yield made
    servers.drop_database(made)


@pytest.fixture
def old_ledger(servers: Servers) -> Iterator[Database]:
    """Ledger of schema 0001, with open positions and an order in flight."""
    made = servers.make_database(template="template0")
    made.query(OLD_LEDGER.read_text())
    yield made
    servers.drop_database(made)


@pytest.fixture
def bus_client(servers: Servers) -> Iterator[redis.Redis]:
    """Client of an empty Redis. All tests of a process share the server, one after the other."""
    client = servers.redis()
    client.flushall()
    yield client
    client.close()
