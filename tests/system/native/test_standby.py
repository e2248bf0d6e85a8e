"""Two of each service: one works, the other waits, and takes over when the first ends, stands still or is cut off."""

import threading
from collections.abc import Iterator
from typing import Final

import pytest

from cdb.running.native import TRADING
from services.topology import STANDBYS
from tests.support.bot import LIVELY, SERVICES, Bot, running_bot
from tests.support.relay import Relay
from tests.support.waiting import until
from tests.system.native.faults import away, by_hand, frozen

pytestmark = pytest.mark.e2e

EVALUATED: Final = "cdb_signals_evaluated_total"
each_service: Final = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture(scope="module")
def _doubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    settings = {**LIVELY, "CDB_METRIC_EXPORT_INTERVAL_S": "1"}
    parts = (*TRADING, *STANDBYS, "otel_collector")
    with running_bot(tmp_path_factory.mktemp("doubled"), settings, parts=parts) as bot:
        yield bot


@pytest.fixture
def bot(_doubled: Bot) -> Bot:
    """A bot with two of each service, all of them well, that trades."""
    _doubled.stack.start()
    for service in SERVICES:
        wait_for_pair(_doubled, service)
    _doubled.wait_trading()
    return _doubled


def pair(bot: Bot, service: str) -> dict[str, str]:
    """What the two copies of *service* say of themselves."""
    return {part: bot.state(part) for part in (service, f"{service}_standby")}


def wait_for_pair(bot: Bot, service: str) -> None:
    until(
        lambda: pair(bot, service),
        holds=lambda seen: sorted(seen.values()) == ["ok", "standby"],
        what=f"one {service} and its standby",
    )


def wait_until_at_work(bot: Bot, part: str) -> None:
    until(lambda: bot.state(part), holds=lambda seen: seen == "ok", what=f"{part} at work")


def other_than(bot: Bot, service: str) -> tuple[str, str]:
    """The part that works as *service*, and the one that waits."""
    working = bot.at_work(service)
    return working, service if working != service else f"{service}_standby"


def check(bot: Bot, service: str) -> None:
    """Trading goes on, with one at work and one that waits, and the books are right."""
    wait_for_pair(bot, service)
    bot.wait_trading()
    bot.quiesce()
    bot.audit()
    bot.go_on()


@each_service
def test_the_second_copy_takes_over_from_one_that_was_killed(bot: Bot, service: str) -> None:
    working, waiting = other_than(bot, service)
    pid = bot.stack.pid_of(waiting)
    with away(bot, working):
        wait_until_at_work(bot, waiting)
        bot.wait_trading()
        assert bot.stack.pid_of(waiting) == pid
    check(bot, service)


@each_service
def test_the_second_copy_takes_over_from_one_that_stands_still_and_that_one_writes_nothing_more(
    bot: Bot, service: str
) -> None:
    """It wakes where it stood, in the middle of its work; it finds out, and ends."""
    working, waiting = other_than(bot, service)
    stood = bot.stack.pid_of(working)
    with frozen(bot, working):
        wait_until_at_work(bot, waiting)
        bot.wait_trading()
    until(lambda: bot.stack.pid_of(working), holds=lambda pid: pid not in {None, stood}, what=f"a new {working}")
    log = bot.stack.log_tail(working, 200)
    woken = next(place for place, line in enumerate(log) if "ending, to start afresh" in line)
    assert not [line for line in log[woken:] if '"event": "decided"' in line or '"event": "filled"' in line]
    check(bot, service)


def test_one_that_cannot_reach_the_ledger_leaves_the_work_to_one_that_can(bot: Bot) -> None:
    bot.stack.stop_part("cdb_risk")
    bot.stack.stop_part("cdb_risk_standby")
    with Relay(bot.stack.config.ports.postgres) as relay:
        settings = {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(relay.port)}
        with by_hand(bot, "cdb_risk", **settings) as program:
            bot.wait_trading()
            bot.stack.start_part("cdb_risk")
            until(lambda: bot.state("cdb_risk"), holds=lambda seen: seen == "standby", what="cdb_risk on standby")
            relay.cut()
            wait_until_at_work(bot, "cdb_risk")
            assert program.wait(30) == 1
    bot.stack.start_part("cdb_risk_standby")
    check(bot, "cdb_risk")


def test_all_wait_for_a_ledger_that_is_away_for_all(bot: Bot) -> None:
    """Nobody could do better, so nobody ends."""
    pids = {part: bot.stack.pid_of(part) for part in (*SERVICES, *STANDBYS)}
    bot.stack.stop_part("postgres")
    ledgers = ("cdb_risk", "cdb_execution", "cdb_risk_standby", "cdb_execution_standby")
    until(
        lambda: [bot.state(part) for part in ledgers],
        holds=lambda seen: set(seen) == {"error"},
        what="no ledger for all",
    )
    threading.Event().wait(6)  # not polled: longer than the time after which one would leave to another
    bot.stack.start_part("postgres")
    for service in SERVICES:
        wait_for_pair(bot, service)
    check(bot, "cdb_risk")
    assert {part: bot.stack.pid_of(part) for part in pids} == pids


def test_an_operator_reaches_the_copy_that_works_at_the_address_of_either(bot: Bot) -> None:
    """`cdb breaker` asks at one address, whoever has taken over."""
    for _ in range(2):
        assert bot.cdb("breaker", "trip", "--why", "a test", "--yes").returncode == 0
        assert bot.cdb("breaker", "reset", "--why", "a test", "--yes").returncode == 0
        working, waiting = other_than(bot, "cdb_risk")
        bot.stack.stop_part(working)
        wait_until_at_work(bot, waiting)
        bot.stack.start_part(working)
        wait_for_pair(bot, "cdb_risk")
    assert bot.count("operator_actions", "what = 'trip_breaker'") == 2
    check(bot, "cdb_risk")


def test_only_the_copy_that_works_is_in_the_figures(bot: Bot) -> None:
    """Both have the same name there: a standby's zeros would look like a restart, again and again."""
    pid = bot.stack.pid_of(bot.at_work("cdb_risk"))
    seen: list[float] = []

    def exported() -> list[float]:
        _, page = bot.ask("exposition", "/metrics")
        found = sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(EVALUATED))
        if found != (seen or [-1.0])[-1]:
            seen.append(found)
        return seen

    until(exported, holds=lambda all_seen: len(all_seen) > 8, within_s=60, what="eight exports", every_s=0.05)
    assert seen == sorted(seen)
    assert bot.stack.pid_of(bot.at_work("cdb_risk")) == pid
