"""Real servers, a ledger and a bus for each test, and the spans it leads to."""

from tests.servers import bus_client, database, servers
from tests.spans import provider, spans

__all__ = ["bus_client", "database", "provider", "servers", "spans"]
