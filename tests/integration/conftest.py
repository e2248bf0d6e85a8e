"""Real servers, a ledger and a bus for each test."""

from tests.servers import bus_client, database, servers

__all__ = ["bus_client", "database", "servers"]
