"""A connection pooler between a service and PostgreSQL: a writer's lock would belong to whoever comes next."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from cdb.running.native import Ports
from services.errors import ServerAway
from services.ledger.connection import Ledger, LedgerAddress, connect
from tests.support.programs import required_program
from tests.support.servers import Database
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture(params=["session", "transaction"])
def pooled(database: Database, request: pytest.FixtureRequest) -> Iterator[LedgerAddress]:
    """The address of a PgBouncer before *database*, set up as its users do whose clients send options."""
    address = database.address
    port = Ports.free().postgres
    folder = Path(tempfile.mkdtemp(prefix="cdb-pooler-"))
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{address.user}" "{address.password.get_secret_value()}"\n', encoding="utf-8")
    settings.write_text(
        f"""
[databases]
* = host=127.0.0.1 port={address.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {request.param}
ignore_startup_parameters = options
""",
        encoding="utf-8",
    )
    command = [required_program("pgbouncer", package="pgbouncer"), str(settings)]
    if os.geteuid() == 0:  # it does not run as root
        for path in (folder, users, settings):
            shutil.chown(path, "nobody")
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as program:
        try:
            there = replace(address, host="127.0.0.1", port=port)
            until(lambda: answers(there), what="an answer through the pooler")
            yield there
        finally:
            program.kill()
            shutil.rmtree(folder)


def answers(address: LedgerAddress) -> bool:
    try:
        connect(address).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_a_writer_refuses_a_pooler_and_says_what_to_set(pooled: LedgerAddress) -> None:
    writer = Ledger(pooled, application="test", writer_role="cdb_risk")
    with pytest.raises(ServerAway, match="a connection pooler answers: set POSTGRES_HOST and POSTGRES_PORT"):
        writer.ping()


def test_whoever_only_reads_may_use_one(pooled: LedgerAddress) -> None:
    assert Ledger(pooled, application="test").execute("SELECT 1") == [(1,)]
