"""Fixtures for all tests."""

from tests.servers import bus_client, database, servers

__all__ = ["bus_client", "database", "servers"]
