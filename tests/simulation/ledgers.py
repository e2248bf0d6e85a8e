"""A PostgreSQL for simulations, and a ledger in it that is emptied for each run."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from psycopg2 import sql

from cdb.running.native import Stack, StackConfig, select
from cdb.running.native.postgres import data_dir
from services.engine.setup import Setup
from services.ledger.connection import Ledger, LedgerAddress, connect
from services.ledger.migrate import migrate
from services.migrate import LAYERS_OF_THE_LEDGER
from services.settings import LedgerSettings, read
from tests.simulation.tape import ENVIRONMENT
from tests.support.paths import ROOT
from tests.support.programs import require_parts

TABLES: Final = (
    *("fills", "orders", "decisions", "signals", "positions", "marks", "equity", "equity_marks", "breaker"),
    "operator_actions",
    "test_adjustments",
    "account",
)
"""In the order in which they can be emptied."""


@contextmanager
def running_ledger(place: Path) -> Iterator[dict[str, str]]:
    """Run PostgreSQL in *place* and make a ledger; the block gets the environment that leads there."""
    stack = Stack(StackConfig.isolated(ROOT, place, parts=select(("postgres",))))
    require_parts(stack.config)
    try:
        with stack:
            environment = stack.config.process_environment()
            _trust_everybody(stack)
            migrate(read(LedgerSettings, environment), layers=LAYERS_OF_THE_LEDGER)
            yield environment
    finally:
        stack.remove()


def _trust_everybody(stack: Stack) -> None:
    """Ask no connection for its password: a run opens some seventy, and proving a password takes most of that time."""
    rules = data_dir(stack.config) / "pg_hba.conf"
    rules.write_text(rules.read_text(encoding="utf-8").replace("scram-sha-256", "trust"), encoding="utf-8")
    address = LedgerAddress.of(read(LedgerSettings, stack.config.process_environment()))
    with closing(connect(address)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_reload_conf()")


@contextmanager
def copied_ledger(environment: Mapping[str, str], name: str) -> Iterator[dict[str, str]]:
    """Copy the ledger of *environment*, which nobody uses meanwhile; the copy goes at the end of the block."""
    server = {**environment, "POSTGRES_DB": "postgres"}
    original = sql.Identifier(environment["POSTGRES_DB"])
    with closing(connect(LedgerAddress.of(read(LedgerSettings, server)))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), original))
            yield {**environment, "POSTGRES_DB": name}
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def setup_of(environment: Mapping[str, str]) -> Setup:
    """The bot of the simulation on the ledger of *environment*."""
    return Setup.read({**environment, **ENVIRONMENT})


def empty(setup: Setup) -> None:
    """Remove all rows. Deleting a few rows costs less than to truncate their tables."""
    with closing(Ledger(setup.address, application="empty", flushes=False)) as ledger:
        ledger.execute("; ".join(f"DELETE FROM {table}" for table in TABLES))  # noqa: S608  our own names
