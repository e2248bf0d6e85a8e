"""A server that neither works nor breaks is worse than one that is gone: nobody may hang with it, or hide it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.bot import SERVICES, Bot
from tests.support.waiting import until
from tests.system.native.faults import end_of, frozen

pytestmark = pytest.mark.e2e


@contextmanager
def out_of_memory(bot: Bot) -> Iterator[None]:
    """Have Redis refuse whatever needs memory."""
    with bot.redis() as client:
        before: Any = client.config_get("maxmemory", "maxmemory-policy")
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1mb")
        try:
            yield
        finally:
            for name, value in before.items():
                client.config_set(name, value)


def works_as_before(bot: Bot) -> None:
    bot.stack.start()
    bot.wait_healthy()
    bot.wait_trading()
    bot.quiesce()
    bot.audit()


def verdict(bot: Bot, service: str, check: str) -> str:
    _, body = bot.ask(service, "/health")
    return str(body["checks"][check]) if body else "no answer"


def test_a_frozen_ledger_is_named_and_holds_nobody(bot: Bot) -> None:
    """Risk and execution say so at once and end when asked to; ws and core, which need no ledger, work on."""
    expected = {"cdb_ws": 200, "cdb_core": 200, "cdb_risk": 503, "cdb_execution": 503}
    with frozen(bot, "postgres"):
        until(bot.health, holds=lambda seen: seen == expected, within_s=10, what=f"health {expected}")
        for service in ("cdb_risk", "cdb_execution"):
            assert verdict(bot, service, "ledger") != "ok"
            assert verdict(bot, service, "redis") == "ok"
        received = bot.metric("cdb_core", "cdb_market_data_events_received_total")
        until(
            lambda: bot.metric("cdb_core", "cdb_market_data_events_received_total"),
            holds=lambda now: now > received,
            what="market data without a ledger",
        )
        assert "exit status 0" in end_of(bot, "cdb_risk")
    works_as_before(bot)


def test_a_frozen_bus_is_named_and_holds_nobody(bot: Bot) -> None:
    """All four say so and end when asked to."""
    with frozen(bot, "redis"):
        until(bot.health, holds=lambda seen: set(seen.values()) == {503}, within_s=10, what="503 from every service")
        for service in SERVICES:
            assert verdict(bot, service, "redis") != "ok"
        for service in SERVICES:
            assert "exit status 0" in end_of(bot, service)
    works_as_before(bot)


def test_a_bus_that_is_full_makes_the_feed_unhealthy(bot: Bot) -> None:
    """It answers a ping, and takes no trade: as long as ws drops all of them it is not healthy for a moment."""
    with out_of_memory(bot):
        until(lambda: bot.ask("cdb_ws", "/health")[0], holds=lambda seen: seen == 503, within_s=10, what="503 from ws")
        enough = feed(bot)["dropped"] + 1_000
        answers: set[int] = set()

        def dropped() -> int:
            answers.add(bot.ask("cdb_ws", "/health")[0])
            return int(feed(bot)["dropped"])

        until(dropped, holds=lambda now: now >= enough, what="a thousand trades dropped")
        assert answers == {503}
        said = verdict(bot, "cdb_ws", "loop")
        assert said.startswith("waiting for Redis: "), said
        assert said.endswith("used memory > 'maxmemory'."), said
    published = feed(bot)["published"]
    until(lambda: feed(bot)["published"], holds=lambda now: now > published, what="trades published again")
    works_as_before(bot)


def feed(bot: Bot) -> dict[str, Any]:
    status: dict[str, Any] = bot.ask("cdb_ws", "/feed")[1]
    return status
