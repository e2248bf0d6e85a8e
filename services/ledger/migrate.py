"""Bring the ledger's schema to the version this code needs."""

import time
from pathlib import Path
from typing import Final

import alembic.command
import alembic.config
import sqlalchemy
import structlog
from sqlalchemy.exc import OperationalError

from services.settings import LedgerSettings

WAIT_S: Final = 120.0
_PAUSE_S: Final = 0.5

log = structlog.get_logger()


def migrate(settings: LedgerSettings, *, wait_s: float = WAIT_S) -> None:
    """Apply the missing migrations; wait up to *wait_s* seconds for PostgreSQL, then raise OperationalError."""
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "postgresql+psycopg2",
            username=settings.postgres_user,
            password=settings.postgres_password.get_secret_value(),
            host=settings.postgres_host,
            port=settings.postgres_port,
            database=settings.postgres_db,
        ),
        poolclass=sqlalchemy.NullPool,
        connect_args={"connect_timeout": 2},
    )
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    deadline = time.monotonic() + wait_s
    while True:
        try:
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise
            log.info("waiting for PostgreSQL", error=str(error.orig).strip()[:120])
            time.sleep(_PAUSE_S)
        else:
            return
