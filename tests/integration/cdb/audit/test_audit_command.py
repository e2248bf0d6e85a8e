"""The audit on ledgers that the real services wrote, whole and broken."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from cdb.audit import Report, Rule, audit, read_and_audit, snapshot
from services.errors import ServerAway
from tests.integration.cdb.audit.ledger_breaks import BREAKS, UNPROTECT
from tests.support.cli import run_cdb
from tests.support.servers import Database, Servers
from tests.support.trading import TradingDay, trade_a_day

pytestmark = pytest.mark.integration


def audited(database: Database) -> Report:
    ledger = database.ledger("cdb-audit")
    try:
        return read_and_audit(ledger)
    finally:
        ledger.close()


def broken(report: Report) -> set[Rule]:
    return set(report.broken)


@pytest.fixture(scope="module")
def traded(servers: Servers) -> Iterator[Database]:
    """Give a ledger in which all that can happen has happened; copy it before changing anything."""
    database = servers.make_database()
    day = TradingDay(database)
    trade_a_day(day)
    day.close()
    yield database
    servers.drop_database(database)


@pytest.fixture(scope="module")
def unprotected(servers: Servers, traded: Database) -> Iterator[Database]:
    """Give the same ledger without any constraint."""
    database = servers.make_database(template=traded.name)
    database.query(UNPROTECT)
    yield database
    servers.drop_database(database)


@pytest.fixture
def copy(servers: Servers, unprotected: Database) -> Iterator[Database]:
    database = servers.make_database(template=unprotected.name)
    yield database
    servers.drop_database(database)


def test_a_ledger_of_the_real_services_holds(traded: Database) -> None:
    report = audited(traded)
    assert report.holds, [(rule.label, report.tallies[rule].shown) for rule in report.broken]
    checked = {rule.label: tally.checked for rule, tally in report.tallies.items()}
    assert {label: count for label, count in checked.items() if not count} == {}
    assert (checked["one_decision"], checked["never_short"], checked["stop_loss"], checked["limits"]) == (14, 4, 1, 7)


def test_an_order_in_flight_is_reported_apart_with_its_age(traded: Database) -> None:
    (order,) = audited(traded).in_flight
    assert order.order_id.startswith("order:DOTUSDT:momentum_v1:")
    assert order.age.days >= 1


def test_an_empty_ledger_holds(database: Database) -> None:
    report = audited(database)
    assert report.holds
    assert report.tallies[Rule.ONE_DECISION].checked == 0


def test_a_refused_order_without_a_fill_holds(copy: Database) -> None:
    copy.query("UPDATE orders SET state = 'refused', refusal = 'no market', finished_at = now() WHERE state = 'placed'")
    report = audited(copy)
    assert report.holds, report.broken
    assert report.in_flight == []


@pytest.mark.parametrize("what", BREAKS)
def test_each_way_to_break_a_ledger_is_named(copy: Database, what: str) -> None:
    statement, expected = BREAKS[what]
    copy.query(statement)
    report = audited(copy)
    seen = {rule.label: report.tallies[rule].shown for rule in report.broken}
    assert broken(report) == expected, seen


def test_every_rule_has_a_way_to_break_it() -> None:
    assert set().union(*(rules for _, rules in BREAKS.values())) == set(Rule)


def test_a_number_that_is_none_is_a_breach_and_no_crash(copy: Database) -> None:
    copy.query("UPDATE fills SET price = 'NaN', quantity = 'NaN' WHERE fill_seq = 4")
    copy.query("UPDATE decisions SET equity = 'NaN', reference_equity = 'NaN'")
    assert {Rule.NOTIONAL, Rule.BOOK, Rule.DRAWDOWN} <= broken(audited(copy))


def test_a_breach_names_the_row_what_it_should_say_and_what_it_says(copy: Database) -> None:
    copy.query("UPDATE positions SET quantity = 7 WHERE symbol = 'BTCUSDT'")
    (finding,) = audited(copy).tallies[Rule.POSITIONS].shown
    assert finding.row == "position BTCUSDT of momentum_v1"
    assert finding.expected.startswith("quantity 0")
    assert finding.found == "7"


def test_what_is_traded_while_the_audit_reads_is_in_none_of_its_tables(database: Database) -> None:
    """The big tables are read after these trades have committed, the small ones before."""
    day = TradingDay(database)
    trade_a_day(day)
    ledger = database.ledger("cdb-audit")
    with snapshot(ledger) as rows:
        day.execute()
        day.trade("SELL", "LTCUSDT", "SOLUSDT")
        report = audit(rows)
    assert report.holds, [(rule.label, report.tallies[rule].shown) for rule in report.broken]
    assert report.tallies[Rule.ONE_DECISION].checked == 14
    assert read_and_audit(ledger).tallies[Rule.ONE_DECISION].checked == 16
    ledger.close()
    day.close()


def test_the_audit_waits_for_no_writer(traded: Database, servers: Servers) -> None:
    copy = servers.make_database(template=traded.name)
    with closing(servers.connect(copy.name)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT cash FROM account FOR UPDATE")  # as execution does while it books
        cursor.execute("UPDATE account SET cash = cash + 1")
        assert audited(copy).holds
    servers.drop_database(copy)


def test_the_command_holds_or_names_what_does_not(copy: Database) -> None:
    good = run_cdb("audit", "--json", environment=copy.environment())
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["holds"] is True
    copy.query("UPDATE positions SET quantity = 7")
    bad = run_cdb("audit", environment=copy.environment())
    assert bad.returncode == 1
    assert "position BTCUSDT of momentum_v1: expected quantity 0" in bad.stdout
    found = json.loads(run_cdb("audit", "--json", environment=copy.environment()).stdout)
    assert [rule["name"] for rule in found["rules"] if rule["breaches"]] == ["positions"]


def test_more_than_ten_breaches_of_a_rule_are_counted_and_not_listed(copy: Database) -> None:
    copy.query("UPDATE decisions SET exposure_before = exposure_before + 1")
    said = run_cdb("audit", environment=copy.environment())
    assert said.returncode == 1
    assert "and 4 more" in said.stdout


def test_another_database_on_the_server_can_be_audited(copy: Database) -> None:
    environment = {**copy.environment(), "POSTGRES_DB": "there_is_none"}
    assert run_cdb("audit", "--ledger", copy.name, environment=environment).returncode == 0
    away = run_cdb("audit", environment=environment)
    assert away.returncode == 3
    assert 'database "there_is_none" does not exist' in away.stderr
    assert len(away.stderr.splitlines()) == 1


def test_a_database_without_a_ledger_is_refused_in_one_line(servers: Servers) -> None:
    empty = servers.make_database(template="template1")
    try:
        with pytest.raises(ServerAway, match="no schema yet"):
            audited(empty)
    finally:
        servers.drop_database(empty)


def test_an_unreachable_ledger_is_one_line_and_exit_code_3(database: Database) -> None:
    said = run_cdb("audit", "--port", "1", environment=database.environment())
    assert said.returncode == 3
    assert "Connection refused" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_ids_cannot_command_the_terminal(copy: Database) -> None:
    copy.query("UPDATE fills SET fill_id = E'fill:\\x1b[31m[bold]x' WHERE fill_seq = 2")
    said = run_cdb("audit", environment=copy.environment())
    assert "\x1b" not in said.stdout
    assert "\\x1b[31m[bold]x" in said.stdout
