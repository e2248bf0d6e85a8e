"""The account of PostgreSQL's exporter: it sees the server's figures and no row of the ledger."""

from contextlib import closing
from typing import Final

import psycopg2.extensions
from psycopg2 import sql

from services.ledger.connection import LedgerAddress, connect
from services.settings import LedgerSettings

ROLE: Final = "monitoring"


def let_in(settings: LedgerSettings, password: str) -> None:
    """Create the account if there is none, and give it *password*; PostgreSQL gets only its hash."""
    with closing(connect(LedgerAddress.of(settings))) as connection, connection, connection.cursor() as cursor:
        role = sql.Identifier(ROLE)
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 5").format(role))
            cursor.execute(sql.SQL("GRANT pg_monitor TO {}").format(role))
        hashed = psycopg2.extensions.encrypt_password(password, ROLE, scope=connection, algorithm="scram-sha-256")
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD %s").format(role), (hashed,))
