"""Migrate the ledger and let exporter and readers in: `python -m services.migrate`, before the services start."""

import sys

import structlog
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from services.ledger import accounts
from services.ledger.migrate import migrate
from services.risk.rules import LAYERS
from services.runtime import logs
from services.settings import READER, MigrateSettings, load

LAYERS_OF_THE_LEDGER = [(layer.number, layer.reason.value) for layer in LAYERS]


def main() -> None:
    """Migrate the ledger that the environment names."""
    settings = load(MigrateSettings)
    logs.configure("cdb_migrate", level="INFO", log_format="auto")
    try:
        migrate(settings, layers=LAYERS_OF_THE_LEDGER)
    except (CommandError, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        sys.exit(f"{settings.postgres_db} cannot be migrated: {' '.join(str(reason).split())}")
    for role, secret in ((accounts.MONITORING, settings.monitoring_password), (READER, settings.reader_password)):
        if password := secret.get_secret_value():
            accounts.let_in(settings, role, password)
    structlog.get_logger().info("the ledger's schema is up to date", database=settings.postgres_db)


if __name__ == "__main__":
    main()
