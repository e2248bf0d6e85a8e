"""The ledger's address from its settings: for services, commands and tests."""

from services.ledger.connection import LedgerAddress
from services.settings import LedgerSettings


def address_of(settings: LedgerSettings) -> LedgerAddress:
    """Where *settings* say the ledger is."""
    return LedgerAddress.of(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        database=settings.postgres_db,
        password=settings.postgres_password.get_secret_value(),
    )
