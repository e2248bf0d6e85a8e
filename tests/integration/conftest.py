"""Real servers, a ledger and a bus for each test."""

from tests.support.servers import bus_client, database, old_ledger, servers

__all__ = ["bus_client", "database", "old_ledger", "servers"]
