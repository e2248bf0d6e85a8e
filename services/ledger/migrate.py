"""Bring the ledger's schema to the version this code needs."""

import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

import alembic.command
import alembic.config
import sqlalchemy
import structlog
from sqlalchemy.exc import OperationalError

from services.ledger.connection import MIGRATING, LedgerAddress, connect
from services.settings import LedgerSettings

WAIT_S: Final = 120.0
_PAUSE_S: Final = 0.5

log = structlog.get_logger()


def migrate(settings: LedgerSettings, *, layers: Iterable[tuple[int, str]], wait_s: float = WAIT_S) -> None:
    """Apply the missing migrations, and have the ledger take rejections as *layers* (number, reason) have them.

    Waits up to *wait_s* seconds for PostgreSQL, then raises OperationalError.
    """
    address = LedgerAddress.of(settings)
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg2://",
        creator=lambda: connect(address, application_name=MIGRATING),
        poolclass=sqlalchemy.NullPool,
    )
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    deadline = time.monotonic() + wait_s
    while True:
        try:
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
                _allow_layers(connection, sorted(layers))
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise
            log.info("waiting for PostgreSQL", error=str(error.orig).strip()[:120])
            time.sleep(_PAUSE_S)
        else:
            return


def _allow_layers(connection: sqlalchemy.Connection, layers: list[tuple[int, str]]) -> None:
    """Replace the CHECK on decisions' layers if it is about others; rows from before need not meet it."""
    allowed = ", ".join(f"({number}, '{reason}')" for number, reason in layers)
    name = f"decisions_layers_{sha256(allowed.encode()).hexdigest()[:12]}"
    found = connection.exec_driver_sql(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'decisions'::regclass AND conname LIKE 'decisions_layer%%'"
    )
    old = [row[0] for row in found]
    if old != [name]:
        dropped = "".join(f"DROP CONSTRAINT {constraint}, " for constraint in old)
        check = f"CHECK (layer IS NULL OR (layer, reason) IN ({allowed})) NOT VALID"
        connection.exec_driver_sql(f"ALTER TABLE decisions {dropped}ADD CONSTRAINT {name} {check}")
