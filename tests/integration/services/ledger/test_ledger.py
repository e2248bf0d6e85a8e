"""The connection to the ledger: what counts as a server that is away, and who may write."""

import threading
from dataclasses import replace

import psycopg2
import psycopg2.errors
import pytest
from pydantic import SecretStr

from services.errors import ServerAway
from services.ledger import accounts
from services.ledger.connection import Ledger
from services.ledger.migrate import migrate
from services.migrate import LAYERS_OF_THE_LEDGER
from tests.support.hostile import LIBPQ
from tests.support.servers import Database, Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def gets_in(ledger: Ledger) -> bool:
    try:
        ledger.ping()
    except ServerAway:
        return False
    return True


def test_only_one_process_of_a_role_gets_to_write(database: Database) -> None:
    """The second one waits, and is told for whom; when the first has ended it gets in."""
    first, second = (database.ledger(name, writer_role="cdb_risk") for name in ("first", "second"))
    first.ping()
    with pytest.raises(ServerAway, match="another process is the ledger's cdb_risk"):
        second.ping()
    database.ledger("other", writer_role="cdb_execution").ping()
    first.close()
    until(lambda: gets_in(second), what="the second writer getting in")


def test_a_writer_that_is_silent_loses_its_place_and_what_it_has_not_committed(database: Database) -> None:
    """Its process stands still, or no longer knows that it is the writer: it may not write when it wakes."""
    first, second = (database.ledger(name, writer_role="cdb_risk") for name in ("first", "second"))
    first.execute("CREATE TABLE written (by text)")

    def write_and_sleep() -> None:
        with first.transaction() as cursor:
            cursor.execute("INSERT INTO written VALUES ('first')")
            until(lambda: gets_in(second), within_s=20, what="the second writer getting in")

    with pytest.raises(ServerAway, match="connection"):
        write_and_sleep()
    assert second.execute("SELECT * FROM written") == []
    with pytest.raises(ServerAway, match="another process is the ledger's cdb_risk"):
        first.ping()


def test_a_writer_that_works_keeps_its_place(database: Database) -> None:
    """Whatever others try: one statement that takes long is work, too."""
    first, second = (database.ledger(name, writer_role="cdb_risk", silent_s=0.2) for name in ("first", "second"))
    first.ping()
    asleep = threading.Thread(target=lambda: first.execute("SELECT pg_sleep(1)"))
    asleep.start()
    while asleep.is_alive():
        assert not gets_in(second)
    first.ping()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "2"),
        ("tcp_user_timeout", "5000"),
        ("statement_timeout", "5s"),
        ("TimeZone", "UTC"),
    ],
)
def test_the_servers_end_of_a_session_has_its_own_time_outs(database: Database, setting: str, value: str) -> None:
    """Or a session that the network has cut off would keep the writer's lock for hours."""
    ((found,),) = database.ledger("keepalives").execute(f"SHOW {setting}")
    assert found == value


def test_a_connection_that_was_cut_is_away_once_and_then_made_anew(database: Database) -> None:
    ledger = database.ledger("cut")
    (pid,) = ledger.execute("SELECT pg_backend_pid()")[0]
    database.query("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(ServerAway):
        ledger.ping()
    ledger.ping()


def test_a_statement_that_the_ledger_refuses_is_not_a_server_that_is_away(database: Database) -> None:
    """Waiting would not help: a text too long for its index fails for good, or its message would stop the service."""
    ledger = database.ledger("refused")
    longest = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) n"
    with pytest.raises(psycopg2.OperationalError, match="index row"):
        ledger.execute(f"INSERT INTO marks SELECT ({longest}), 1, 1, 1")
    ledger.ping()


def test_a_ledger_without_a_schema_is_named_as_that(servers: Servers) -> None:
    empty = servers.make_database(template="template0")
    try:
        with pytest.raises(ServerAway, match="no schema yet"):
            Ledger(empty.address, application="test").ping()
    finally:
        servers.drop_database(empty)


def test_a_wrong_password_is_told_without_any_password(database: Database) -> None:
    address = replace(database.address, password=SecretStr("a-wrong-one"))
    with pytest.raises(ServerAway) as caught:
        Ledger(address, application="test").ping()
    assert "authentication failed" in str(caught.value)
    assert "a-wrong-one" not in f"{caught.value} {address!r}"


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    ledger = database.ledger("failing")

    def half_done() -> None:
        with ledger.transaction() as cursor:
            cursor.execute("INSERT INTO marks VALUES ('BTCUSDT', 1, 1, 1)")
            cursor.execute("INSERT INTO marks VALUES ('ETHUSDT', -1, 1, 1)")

    with pytest.raises(psycopg2.errors.CheckViolation):
        half_done()
    assert database.query("SELECT count(*) FROM marks") == [(0,)]


@pytest.mark.parametrize(("layer", "reason"), [(7, "WEATHER"), (4, "DRAWDOWN_LIMIT"), (1, None)])
def test_a_rejection_must_name_a_layer_with_its_reason(database: Database, layer: int, reason: str | None) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        a_rejection(database, layer, reason)


def test_a_new_layer_is_taken_after_a_migration_and_old_rows_stay(database: Database) -> None:
    a_rejection(database, 4, "EXPOSURE_LIMIT")
    migrate(database.settings, layers=[(1, "STALE_MARKET_DATA"), (7, "WEATHER")])
    a_rejection(database, 7, "WEATHER")
    with pytest.raises(psycopg2.errors.CheckViolation):
        a_rejection(database, 4, "EXPOSURE_LIMIT")
    assert database.query("SELECT layer FROM decisions ORDER BY layer") == [(4,), (7,)]


def a_rejection(database: Database, layer: int, reason: str | None) -> None:
    ((number,),) = database.query("SELECT count(*) FROM signals")
    signal = f"signal-{number}"
    database.query(
        "INSERT INTO signals VALUES (%s, 'BTCUSDT', 'BUY', 'momentum_v1', 1, 1, 0, 1, now(), now())", (signal,)
    )
    database.query(
        "INSERT INTO decisions (signal_id, verdict, layer, reason, decided_at, fills_seen, cash, equity,"
        " reference_equity, exposure_before, exposure_after, position_after, breaker_active, marks, limits)"
        " VALUES (%s, 'rejected', %s, %s, now(), 0, 1, 1, 1, 0, 0, 0, false, '{}', '{}')",
        (signal, layer, reason),
    )


def test_no_variable_of_libpq_changes_where_or_how_the_ledger_is_reached(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = "SELECT current_database(), current_user, current_setting('TimeZone'), current_setting('DateStyle'), "
    shown += "current_setting('client_encoding'), current_setting('default_transaction_read_only')"
    expected = database.ledger().execute(shown)
    assert expected[0][0] == database.name

    def with_all() -> None:
        for name, value in LIBPQ.items():
            monkeypatch.setenv(name, value)

    with_all()
    assert database.ledger().execute(shown) == expected
    with_all()
    migrate(database.settings, layers=LAYERS_OF_THE_LEDGER, wait_s=0)
    with_all()
    accounts.let_in(database.settings, accounts.MONITORING, "a password")
