"""`cdb restore` of an archive that was made when the ledger had an older schema, into a bot that trades."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from cdb.backup import archive
from cdb.backup.manifest import Manifest
from cdb.running.native.tools import postgres_bin
from services.ledger.connection import SCHEMA_VERSION
from tests.support.bot import LIVELY, Bot, running_bot
from tests.support.ledger import OLD_LEDGER, connect_ledger

pytestmark = pytest.mark.integration

OLD_ORDER: Final = "SELECT state FROM orders WHERE order_id = 'order:DOTUSDT:momentum_v1:23'"
PUBLIC: Final = (
    "SELECT nspowner::regrole::text, nspacl::text FROM pg_namespace WHERE nspname IN ('public', 'before_restore')"
)
SLOW_S: Final = 120.0

MakeArchive = Callable[[str], Path]


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with running_bot(tmp_path_factory.mktemp("trading"), LIVELY) as bot:
        bot.wait_trading(SLOW_S)
        yield bot


@pytest.fixture
def old_archive(bot: Bot, tmp_path: Path) -> Iterator[MakeArchive]:
    """Make archives of schema 0001, as e229708 did: of OLD_LEDGER after a change."""
    config = bot.stack.config

    def execute(statement: str, database: str = "") -> None:
        with closing(connect_ledger(config, database)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(statement)

    def make(change: str) -> Path:
        execute("CREATE DATABASE old TEMPLATE template0")
        execute(OLD_LEDGER.read_text() + change, "old")
        settings = config.process_environment()
        file, target = tmp_path / "ledger.dump", tmp_path / "old.tar"
        subprocess.run(
            [postgres_bin() / "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}", "old"],
            env={
                "PATH": os.environ["PATH"],
                "PGHOST": "127.0.0.1",
                "PGPORT": str(config.ports.postgres),
                "PGUSER": settings["POSTGRES_USER"],
                "PGPASSWORD": settings["POSTGRES_PASSWORD"],
            },
            check=True,
        )
        manifest = Manifest(
            format=1,
            made_at="2026-11-20T12:01:00+00:00",
            project="0.1.0",
            ledger_schema="0001",
            postgres=15,
            prometheus="",
            ledger_rows={"fills": 8},
            series=0,
            notifications=0,
            members={file.name: archive.described(file)},
        )
        archive.write(target, manifest, {file.name: file}, partial=tmp_path / "partial")
        return target

    yield make
    execute("DROP DATABASE old")


def ledger(bot: Bot) -> list[Any]:
    """What a restore that failed must not have changed."""
    columns = "SELECT table_schema, table_name, column_name FROM information_schema.columns ORDER BY 1, 2, 3"
    statements = (PUBLIC, columns, "SELECT * FROM fills ORDER BY fill_seq", "SELECT * FROM alembic_version")
    return [bot.query(statement) for statement in statements]


def test_an_archive_that_cannot_be_migrated_leaves_the_ledger_as_it_was(bot: Bot, old_archive: MakeArchive) -> None:
    bot.quiesce(SLOW_S)
    before = ledger(bot)
    result = bot.cdb("restore", str(old_archive("CREATE TABLE public.equity_marks ()")), "--yes")
    assert (result.returncode, result.stdout) == (1, "")
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"cdb: the archive's ledger cannot be migrated from schema 0001 to {SCHEMA_VERSION}: ")
    assert 'relation "equity_marks" already exists' in last
    assert ledger(bot) == before
    bot.wait_healthy(SLOW_S)
    bot.wait_trading(SLOW_S)


def test_an_old_archive_is_migrated_and_trading_goes_on_in_it(bot: Bot, old_archive: MakeArchive) -> None:
    """Its open positions are there, its order in flight is filled, and nothing is left of the ledger before."""
    public = bot.query(PUBLIC)
    result = bot.cdb("restore", str(old_archive("")), "--yes", within_s=240)
    assert result.returncode == 0, result.stderr
    assert f"ledger: migrated from schema 0001 to {SCHEMA_VERSION}" in result.stderr.splitlines()
    bot.wait_healthy(SLOW_S)
    bot.wait_trading(SLOW_S)
    bot.quiesce(SLOW_S)
    assert bot.query(OLD_ORDER) == [("filled",)]
    assert bot.query("SELECT min(filled_at)::date::text FROM fills") == [("2026-11-20",)]
    assert bot.query("SELECT symbol FROM closed_trades ORDER BY closed_seq LIMIT 2") == [("BTCUSDT",), ("ETHUSDT",)]
    assert bot.query(PUBLIC) == public
    bot.audit()
