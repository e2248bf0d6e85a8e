"""Connect to the ledger of a running stack."""

import psycopg2
import psycopg2.extensions

from cdb.running.native import StackConfig


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
