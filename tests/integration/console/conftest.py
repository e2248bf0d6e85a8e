"""The console on a real Redis and a real PostgreSQL, with the accounts that may only read."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from console.ground import Ground
from services.ledger.accounts import let_in
from services.settings import READER
from tests.support.clocks import SettableClock
from tests.support.consoles import ground_of
from tests.support.servers import Database, Servers

GroundOf = Callable[[Database], Ground]


@pytest.fixture
def clock() -> SettableClock:
    """That of the console; it shows when the test began."""
    return SettableClock(time.time_ns())


@pytest.fixture(scope="session")
def reader_password(servers: Servers) -> str:
    """That of both accounts; PostgreSQL's is made here, which otherwise `migrate` does."""
    password = servers.stack.config.environment["CDB_READER_PASSWORD"]
    let_in(servers.ledger_settings(servers.stack.config.environment["POSTGRES_DB"]), READER, password)
    return password


@pytest.fixture
def ground_on(servers: Servers, reader_password: str, tmp_path: Path, clock: SettableClock) -> GroundOf:
    """What the pages read from, for a ledger. Prometheus, Jaeger and Alertmanager are away."""

    def ground(database: Database) -> Ground:
        return ground_of(
            tmp_path,
            clock,
            CDB_READER_PASSWORD=reader_password,
            REDIS_PORT=str(servers.ports.redis),
            POSTGRES_PORT=str(servers.ports.postgres),
            POSTGRES_DB=database.name,
        )

    return ground
