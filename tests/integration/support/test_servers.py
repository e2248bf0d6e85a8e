"""The servers that the other integration tests stand on."""

import pytest
import redis

from tests.support.servers import Database, Servers

pytestmark = pytest.mark.integration


def test_each_test_gets_an_empty_ledger_of_its_own(servers: Servers, database: Database) -> None:
    other = servers.make_database()
    database.query("INSERT INTO test_adjustments (amount, reason, noted_at) VALUES (1, 'mine', now())")
    assert other.query("SELECT count(*) FROM test_adjustments") == [(0,)]
    servers.drop_database(other)


def test_a_filled_ledger_can_be_copied(servers: Servers, database: Database) -> None:
    database.query("INSERT INTO account (opening_cash, cash) VALUES (%s, %s)", (100, 100))
    copy = servers.make_database(template=database.name)
    assert copy.query("SELECT cash FROM account") == [(100,)]
    servers.drop_database(copy)


def test_the_projects_own_connection_finds_the_schema_it_needs(database: Database) -> None:
    ledger = database.ledger()
    ledger.ping()
    ledger.close()


def test_the_bus_is_empty_at_first(bus_client: redis.Redis) -> None:
    assert bus_client.dbsize() == 0
