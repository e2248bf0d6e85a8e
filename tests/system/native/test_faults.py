"""Whatever ends at whatever moment: nothing doubled, nothing accepted lost, and /health tells the truth."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.support.bot import SERVICES, Bot
from tests.support.waiting import until
from tests.system.native.faults import frozen

pytestmark = pytest.mark.e2e


def entries_added(bot: Bot, stream: str) -> int:
    with bot.redis() as client:
        info: Any = client.xinfo_stream(stream)
    return int(info["entries-added"])


@contextmanager
def work_in_hand(bot: Bot, service: str) -> Iterator[None]:
    """Yield while *service* has read something that it has not acknowledged, held up where that can be done."""
    stream = {"cdb_core": "market_data", "cdb_risk": "signals", "cdb_execution": "orders"}.get(service)
    with ExitStack() as held:
        if service == "cdb_risk":
            bot.ask("cdb_risk", "/test/slow-decisions?delay_ms=2000&seconds=60", post=True)
        if service == "cdb_execution":
            held.enter_context(bot.locked("account"))
        if stream is not None:
            until(lambda: pending(bot, stream, service), every_s=0.001, what=f"an unacknowledged entry of {stream}")
        yield


def pending(bot: Bot, stream: str, group: str) -> int:
    with bot.redis() as client:
        summary: Any = client.xpending(stream, group)
    return int(summary["pending"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_killed_under_load_loses_and_doubles_nothing(bot: Bot, service: str) -> None:
    """Ended by SIGKILL with work in hand: the ledger is in order, and every published signal has its one decision."""
    bot.quiesce()
    signals_before, decisions_before = entries_added(bot, "signals"), bot.count("decisions")
    bot.go_on()
    bot.wait_trading()
    with work_in_hand(bot, service):
        bot.kill(service)
    bot.wait_healthy()
    bot.wait_trading()
    bot.quiesce()
    published = entries_added(bot, "signals") - signals_before
    assert published > 0
    assert bot.count("decisions") - decisions_before == published
    bot.audit()


def test_a_service_that_was_stopped_and_continued_works_on_in_the_same_process(bot: Bot) -> None:
    """As a debugger, a suspended machine or a frozen container does to it; it is no request to end."""
    pids = {service: bot.stack.pid_of(service) for service in SERVICES}
    for service in SERVICES:
        with frozen(bot, service):
            time.sleep(1)  # not polled: it must be stopped for longer than a wait with a timeout inside it may last
        bot.wait_healthy()
        bot.wait_trading()
    assert {service: bot.stack.pid_of(service) for service in SERVICES} == pids
    bot.quiesce()
    bot.audit()


def test_a_killed_service_is_not_healthy_until_it_is_back(bot: Bot) -> None:
    """Nobody answers for a dead process, and the new one answers 200 only once it can work."""
    pid = bot.stack.pid_of("cdb_risk")
    bot.stack.stop_part("cdb_risk")
    assert bot.ask("cdb_risk", "/health")[0] == 0
    others = {service: status for service, status in bot.health().items() if service != "cdb_risk"}
    assert set(others.values()) == {200}
    bot.stack.start_part("cdb_risk")
    bot.wait_healthy()
    assert bot.stack.pid_of("cdb_risk") != pid
    bot.wait_trading()


def test_redis_restarted_is_picked_up_by_itself(bot: Bot) -> None:
    """All four say so while it is away, trade on when it is back, and have counted that."""
    reconnects = {service: bot.metric(service, "cdb_bus_reconnects_total") for service in SERVICES}
    bot.stack.stop_part("redis")
    until(bot.health, holds=lambda seen: set(seen.values()) == {503}, within_s=10, what="503 from every service")
    until(
        lambda: bot.ask("cdb_core", "/health")[1]["checks"]["redis"], holds=lambda seen: seen != "ok", what="its reason"
    )
    bot.stack.start_part("redis")
    bot.wait_healthy()
    bot.wait_trading()
    for service, before in reconnects.items():
        assert bot.metric(service, "cdb_bus_reconnects_total") > before, service
    assert bot.metric("cdb_core", "cdb_signal_errors_total", error_type="server_away") > 0
    bot.quiesce()
    bot.audit()


def test_redis_killed_is_picked_up_by_itself(bot: Bot) -> None:
    """The last second of the bus may be lost, the ledger is in order all the same."""
    bot.kill("redis")
    bot.wait_healthy()
    bot.wait_trading()
    bot.quiesce()
    bot.audit()


def test_redis_flushed_loses_no_order_and_no_fill(bot: Bot) -> None:
    """Streams and groups vanish under load; they are made anew and every order becomes final."""
    with bot.redis() as client:
        client.flushall()
    bot.wait_healthy()
    bot.wait_trading()
    bot.quiesce()
    assert bot.count("orders", "state = 'placed'") == 0
    bot.audit()


def test_orders_whose_messages_were_lost_are_sent_again(bot: Bot) -> None:
    """The venue is away, orders wait on the bus, the bus is flushed: the ledger has them filled all the same."""
    bot.stack.stop_part("cdb_execution")
    placed = until(lambda: bot.count("orders", "state = 'placed'"), what="an order that waits for the venue")
    bot.ask("cdb_ws", "/test/scenario?kind=stall&seconds=600", post=True)
    with bot.redis() as client:
        client.flushall()
    bot.stack.start_part("cdb_execution")
    until(lambda: bot.count("orders", "state = 'placed'"), holds=lambda left: left == 0, what="no order left over")
    assert placed > 0
    assert bot.metric("cdb_risk", "cdb_messages_recovered_total", stream="orders") >= 1
    bot.quiesce()
    bot.audit()


def test_postgres_stopped_for_a_while_stops_decisions_and_no_more(bot: Bot) -> None:
    """No ledger, no order: risk and execution say so, ws and core work on, and afterwards all is in order."""
    bot.stack.stop_part("postgres")
    expected = {"cdb_ws": 200, "cdb_core": 200, "cdb_risk": 503, "cdb_execution": 503}
    until(bot.health, holds=lambda seen: seen == expected, within_s=10, what=f"health {expected}")
    received = bot.metric("cdb_core", "cdb_market_data_events_received_total")
    until(
        lambda: bot.metric("cdb_core", "cdb_market_data_events_received_total"),
        holds=lambda now: now > received + 20 * 150 * 0.8,
        within_s=40,
        what="twenty seconds of market data without a ledger",
    )
    assert bot.health() == expected
    bot.stack.start_part("postgres")
    bot.wait_healthy()
    bot.wait_trading()
    assert bot.count("decisions", "reason = 'STALE_MARKET_DATA'") > 0, "signals from before must have grown too old"
    assert bot.metric("cdb_execution", "cdb_execution_errors_total", error_type="server_away") > 0
    bot.quiesce()
    bot.audit()


def test_postgres_killed_under_load_is_picked_up_by_itself(bot: Bot) -> None:
    """Its backends die in mid-transaction; what had committed is there, the rest is done again."""
    bot.kill("postgres")
    bot.wait_healthy(60)
    bot.wait_trading()
    bot.quiesce()
    bot.audit()


def test_services_started_before_their_servers_wait_and_say_for_what(bot: Bot) -> None:
    """In any order: without servers every service answers 503 and names what it waits for; then it works."""
    bot.quiesce()
    for part in (*SERVICES, "redis", "postgres"):
        bot.stack.stop_part(part)
    for service in SERVICES:
        bot.stack.start_part(service)
    until(bot.health, holds=lambda seen: set(seen.values()) == {503}, what="503 from every service")
    until(
        lambda: bot.ask("cdb_risk", "/health")[1]["checks"],
        holds=lambda seen: "ok" not in seen.values(),
        what="reasons",
    )
    bot.stack.start_part("redis")
    bot.stack.start_part("postgres")
    bot.wait_healthy()
    bot.go_on()
    bot.wait_trading()
    bot.quiesce()
    bot.audit()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_asked_to_end_does_so_within_five_seconds_with_code_0(bot: Bot, service: str) -> None:
    """SIGTERM: finish what is in hand, then exit 0 (supervisord would have to kill it after six)."""
    bot.stack.stop_part(service)
    log = "\n".join(bot.stack.log_tail("supervisord", 10))
    stopped = [line for line in log.splitlines() if service in line and "stopped" in line]
    assert stopped, log
    assert "exit status 0" in stopped[-1], log
    bot.stack.start_part(service)
    bot.wait_healthy()
