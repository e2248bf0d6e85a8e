"""`cdb breaker` on a real ledger and beside a real cdb_risk."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
import redis

from services.clock import WallClock
from tests.support.cli import on_a_terminal, run_cdb
from tests.support.http import ask
from tests.support.operators import answering
from tests.support.paths import ROOT
from tests.support.servers import Database
from tests.support.trading import OPENING_CASH, TradingDay, trade_a_day
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def day(database: Database) -> Iterator[TradingDay]:
    """Give a ledger in which a day has opened."""
    day = TradingDay(database)
    day.price("BTCUSDT", "65000")
    day.risk.housekeep()
    yield day
    day.close()


def trip(day: TradingDay) -> None:
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.price("BTCUSDT", "65001")
    day.risk.housekeep()


def test_a_breaker_that_never_tripped_is_not_active(day: TradingDay) -> None:
    said = run_cdb("breaker", "status", "--json", environment=day.database.environment())
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == {
        "active": False,
        "since": None,
        "cause": None,
        "who": None,
        "why": None,
        "equity_then": None,
        "equity": OPENING_CASH,
        "reference_equity": OPENING_CASH,
        "drawdown_percent": 0,
        "all_positions_marked": True,
    }


def test_a_tripped_breaker_says_since_when_and_why(day: TradingDay) -> None:
    trip(day)
    environment = day.database.environment()
    found = json.loads(run_cdb("breaker", "status", "--json", environment=environment).stdout)
    assert (found["active"], found["cause"], found["drawdown_percent"]) == (True, "mark", 6.0)
    assert found["since"].startswith("2026-11-20T12:00:00")
    shown = run_cdb("breaker", "status", environment=environment).stdout
    assert "active" in shown
    assert "2026-11-20 12:00:00 UTC, cause: mark, equity then 94,000.00" in shown


def test_a_reset_takes_the_equity_of_now_as_the_reference(day: TradingDay) -> None:
    trip(day)
    with answering(day) as desk:
        said = run_cdb("breaker", "reset", "--yes", "--why", "seen and understood", environment=desk.environment())
    assert said.returncode == 0, said.stderr
    assert "94,000.00" in said.stdout
    environment = day.database.environment()
    found = json.loads(run_cdb("breaker", "status", "--json", environment=environment).stdout)
    assert (found["active"], found["cause"], found["why"]) == (False, "operator", "seen and understood")
    assert (found["reference_equity"], found["drawdown_percent"]) == (94_000, 0)
    assert run_cdb("audit", environment=environment).returncode == 0


def test_a_trip_is_the_users_who_runs_the_command(day: TradingDay) -> None:
    with answering(day) as desk:
        said = run_cdb("breaker", "trip", "--yes", "--json", environment={**desk.environment(), "USER": "somebody"})
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    me = pwd.getpwuid(os.getuid()).pw_name
    assert (found["what"], found["who"], found["via"]) == ("trip_breaker", me, "command")
    assert day.database.query("SELECT who, active FROM breaker JOIN operator_actions USING (action_id)") == [(me, True)]
    shown = run_cdb("breaker", "status", environment=day.database.environment()).stdout
    assert "cause: operator" in shown
    assert me in shown


def test_what_is_not_possible_is_one_line(day: TradingDay) -> None:
    with answering(day) as desk:
        said = run_cdb("breaker", "reset", "--yes", environment=desk.environment())
    assert (said.returncode, said.stderr) == (1, "cdb: the breaker is not active: there is nothing to reset\n")
    assert day.database.query("SELECT count(*) FROM breaker") == [(0,)]


@pytest.mark.parametrize("command", ["trip", "reset"])
def test_without_a_terminal_nobody_is_asked_and_nothing_done(day: TradingDay, command: str) -> None:
    if command == "reset":
        trip(day)
    before = day.database.query("SELECT active FROM breaker")
    with answering(day) as desk:
        said = run_cdb("breaker", command, environment=desk.environment())
    assert said.returncode == 1
    assert f"`cdb breaker {command} --yes` runs without asking" in said.stderr
    assert day.database.query("SELECT active FROM breaker") == before


@pytest.mark.parametrize(("answer", "code", "active"), [("n\n", 1, True), ("y\n", 0, False)])
def test_on_a_terminal_the_answer_decides(day: TradingDay, answer: str, code: int, active: bool) -> None:
    trip(day)
    with answering(day) as desk:
        environment = {**desk.environment(), "CDB_STATE_DIR": "/nonexistent"}
        done = on_a_terminal("breaker", "reset", environment=environment, answer=answer, columns=200)
    assert "Drawdown is 6.00 % of 100,000.00. Reset the breaker and measure drawdown from 94,000.00?" in done.stdout
    assert (done.returncode, day.database.query("SELECT active FROM breaker ORDER BY breaker_seq DESC LIMIT 1")) == (
        code,
        [(active,)],
    )


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({"CDB_OPERATOR_TOKEN": ""}, 3, "CDB_OPERATOR_TOKEN is not set: run `cdb env`"),
        ({"CDB_OPERATOR_TOKEN": "another-token"}, 3, "cdb_risk refuses CDB_OPERATOR_TOKEN"),
        ({"CDB_RISK_PORT": "1"}, 3, "cdb_risk at http://127.0.0.1:1 does not answer"),
        ({"CDB_RISK_HOST": "elsewhere"}, 3, "CDB_RISK_HOST is 'elsewhere'"),
    ],
)
def test_what_keeps_an_operator_from_acting_is_one_line(
    day: TradingDay, changed: dict[str, str], code: int, says: str
) -> None:
    with answering(day) as desk:
        environment = {**desk.environment(), **changed}
        said = run_cdb("breaker", "trip", "--yes", environment=environment)
    assert said.returncode == code
    assert says in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert environment["CDB_OPERATOR_TOKEN"] not in said.stderr or not environment["CDB_OPERATOR_TOKEN"]
    assert day.database.query("SELECT count(*) FROM breaker") == [(0,)]


def test_looking_at_an_empty_ledger_opens_no_account(database: Database) -> None:
    said = run_cdb("breaker", "status", environment=database.environment())
    assert said.returncode == 3
    assert "no account yet" in said.stderr
    assert database.query("SELECT count(*) FROM account") == [(0,)]


def test_a_ledger_that_traded_all_day_can_be_looked_at(day: TradingDay) -> None:
    trade_a_day(day)
    day.risk.close()
    found = json.loads(run_cdb("breaker", "status", "--json", environment=day.database.environment()).stdout)
    assert (found["active"], found["cause"], found["all_positions_marked"]) == (False, "operator", True)


def test_an_unreachable_ledger_is_one_line_and_exit_code_3(database: Database) -> None:
    said = run_cdb("breaker", "status", environment=database.environment(POSTGRES_PORT="1"))
    assert said.returncode == 3
    assert len(said.stderr.splitlines()) == 1


def test_a_running_risk_resets_and_trips_the_breaker(day: TradingDay, bus_client: redis.Redis) -> None:
    trip(day)
    # The day in the ledger is over for a live risk, which would reset the breaker by itself: open today and trip again.
    now_ns = WallClock().now_ns()
    day.store.open_day(OPENING_CASH, now_ns=now_ns, reset_breaker=False)
    day.close()
    with a_running_risk(day.database) as port:
        until(lambda: breaker_gauge(port), holds=lambda seen: seen == "1.0", what="the gauge of a tripped breaker")
        reset = run_cdb("breaker", "reset", "--yes", environment=day.database.environment())
        assert reset.returncode == 0, reset.stderr
        until(lambda: breaker_gauge(port), holds=lambda seen: seen == "0.0", within_s=5, what="the gauge after a reset")
        tripped = run_cdb("breaker", "trip", "--yes", environment=day.database.environment())
        assert tripped.returncode == 0, tripped.stderr
        until(lambda: breaker_gauge(port), holds=lambda seen: seen == "1.0", within_s=5, what="the gauge after a trip")


@contextmanager
def a_running_risk(database: Database) -> Iterator[int]:
    environment = database.environment()
    process = subprocess.Popen(
        [sys.executable, "-m", "services.risk"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield int(environment["CDB_RISK_PORT"])
    finally:
        process.terminate()
        process.wait(10)


def breaker_gauge(port: int) -> str:
    _, page = ask(port, "/metrics")
    lines = (page or "").splitlines()
    return next((line.split()[-1] for line in lines if line.startswith("cdb_circuit_breaker_active")), "no such series")
