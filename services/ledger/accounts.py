"""PostgreSQL's accounts besides the owner's: each may do one thing, whatever is asked of it."""

from contextlib import closing
from typing import Final

import psycopg2.extensions
from psycopg2 import sql

from services.ledger.connection import LedgerAddress, connect
from services.settings import READER, LedgerSettings

MONITORING: Final = "monitoring"
"""Of the exporter: it sees the server's figures and no row of the ledger."""
_RIGHTS: Final = {MONITORING: "pg_monitor", READER: "pg_read_all_data"}
_CONNECTIONS: Final = {MONITORING: 5, READER: 20}


def let_in(settings: LedgerSettings, role: str, password: str) -> None:
    """Create the account *role* if there is none, and give it *password*; PostgreSQL gets only its hash."""
    with closing(connect(LedgerAddress.of(settings))) as connection, connection, connection.cursor() as cursor:
        name = sql.Identifier(role)
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
        if cursor.fetchone() is None:
            limit = sql.Literal(_CONNECTIONS[role])
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT {}").format(name, limit))
            cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(_RIGHTS[role]), name))
        hashed = psycopg2.extensions.encrypt_password(password, role, scope=connection, algorithm="scram-sha-256")
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD %s").format(name), (hashed,))
