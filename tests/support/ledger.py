"""Connect to the ledger of a running stack; a ledger of a version from before."""

from pathlib import Path
from typing import Final

import psycopg2
import psycopg2.extensions

from cdb.running.native import StackConfig
from tests.support.paths import ROOT

OLD_LEDGER: Final[Path] = ROOT / "tests" / "data" / "ledger-e229708.sql"
"""What `trade_a_day` (tests/support/trading.py) left behind at version e229708, whose schema is 0001, as SQL."""


def connect_ledger(config: StackConfig, database: str = "") -> psycopg2.extensions.connection:
    """New psycopg2 connection to *database*, by default the stack's ledger; the caller closes it."""
    settings = config.process_environment()
    connection: psycopg2.extensions.connection = psycopg2.connect(
        host="127.0.0.1",
        port=config.ports.postgres,
        user=settings["POSTGRES_USER"],
        password=settings["POSTGRES_PASSWORD"],
        dbname=database or settings["POSTGRES_DB"],
    )
    return connection
