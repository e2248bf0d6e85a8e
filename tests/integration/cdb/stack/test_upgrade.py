"""A stack that is started after an upgrade brings the ledger of the version before to its own schema."""

from contextlib import closing
from pathlib import Path

import pytest

from services.ledger.connection import SCHEMA_VERSION
from tests.support.bot import running_bot
from tests.support.ledger import OLD_LEDGER

pytestmark = pytest.mark.integration


def test_up_migrates_the_ledger_of_an_older_version(tmp_path: Path) -> None:
    with running_bot(tmp_path, parts=("postgres", "migrate")) as bot:
        with closing(bot.connection()) as connection, connection, connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            cursor.execute(OLD_LEDGER.read_text())
        bot.stack.stop()
        bot.stack.start()
        assert bot.stack.wait_ready(120) is None
        assert bot.query("SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]
        bot.audit()
