"""Something else stands where a stream should be: it is named, everybody waits, and goes on once it is removed."""

from collections.abc import Callable
from typing import Any

import pytest
import redis

from services.bus.entries import DeadEntry, Entry, Outgoing
from services.errors import ServerAway
from services.runtime.handling import Outcome, Received
from services.topology import DEAD_LETTERS, MARKET_DATA, ORDERS, SIGNALS
from tests.integration.services.consumer_thread import (
    GROUP,
    RecordingHandler,
    bus_of,
    consumer_thread,
    in_hand,
    left,
    letters,
    number,
    send,
)
from tests.support.building import a_trade, an_order
from tests.support.servers import Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration

PUT: dict[str, Callable[[redis.Redis, str], Any]] = {
    "string": lambda client, key: client.set(key, "mine"),
    "list": lambda client, key: client.rpush(key, "mine"),
    "hash": lambda client, key: client.hset(key, "mine", "1"),
    "zset": lambda client, key: client.zadd(key, {"mine": 1}),
}


def said(key: str, found: str, wanted: str = "stream") -> str:
    return (
        f"waiting for Redis: key {key} is a {found} and must be a {wanted}: look what it is, "
        f"then remove it (redis-cli DEL {key})"
    )


@pytest.mark.parametrize("kind", PUT)
def test_a_key_of_the_wrong_type_is_named_and_waited_for(servers: Servers, bus_client: redis.Redis, kind: str) -> None:
    """At the start of a service: no traceback, the key with what to do about it, and on once it is removed."""
    PUT[kind](bus_client, SIGNALS)
    with consumer_thread(servers, hand := RecordingHandler()) as process:
        process.wait_problem(said(SIGNALS, kind))
        bus_client.delete(SIGNALS)
        process.wait_problem(None)
        send(bus_client, 1)
        hand.wait_done(1)
    assert process.errors == []


@pytest.mark.parametrize("wrong", [ORDERS, DEAD_LETTERS])
def test_while_a_key_is_wrong_nothing_is_sent_again_and_again(
    servers: Servers, bus_client: redis.Redis, wrong: str
) -> None:
    """Redis carries out the rest of a transaction that fails in part, so the loop must not repeat it meanwhile."""

    def passes_on(item: Received, outcome: Outcome) -> None:
        if number(item) == 2:
            outcome.dead.append(DeadEntry(item.entry, "contradiction", "the second"))
        else:
            outcome.outgoing.append(Outgoing(ORDERS, an_order(order_id=f"order:{number(item)}")))

    bus_client.set(wrong, "mine")
    send(bus_client, 1, 2)
    with consumer_thread(servers, RecordingHandler(passes_on)) as process:
        process.wait_problem(said(wrong, "string"))
        asked = commands(bus_client, "type")
        until(lambda: commands(bus_client, "type"), holds=lambda now: now >= asked + 30, what="some more tries")
        bus_client.delete(wrong)
        process.wait_problem(None)
        until(lambda: in_hand(bus_client), holds=lambda seen: seen == 0, what="everything acknowledged")
    found = {ORDERS: left(bus_client, ORDERS), DEAD_LETTERS: len(letters(bus_client))}
    assert found.pop(wrong) == 1
    assert set(found.values()) <= {1, 2}, "at most once more after it had failed in part"


def commands(client: redis.Redis, name: str) -> int:
    """How often Redis was asked this so far."""
    found: Any = client.info("commandstats")
    return int(found[f"cmdstat_{name}"]["calls"])


def test_a_counter_of_the_wrong_type_is_named_too(bus_client: redis.Redis) -> None:
    bus_client.set(f"trials:{GROUP}", "mine")
    with pytest.raises(ServerAway, match=rf"key trials:{GROUP} is a string and must be a hash"):
        bus_of(bus_client).note_trial(Entry(SIGNALS, "1-0", b"", None), 1)


def test_a_feed_waits_and_goes_on_too(bus_client: redis.Redis) -> None:
    """A bus that has met a wrong key asks for nothing else until it is gone, so nobody thinks that all is well."""
    bus = bus_of(bus_client)
    bus_client.set(MARKET_DATA, "mine")
    for action in (lambda: bus.publish([Outgoing(MARKET_DATA, a_trade())]), bus.try_writing, bus.ping):
        with pytest.raises(ServerAway, match="redis-cli DEL market_data"):
            action()
    bus_client.delete(MARKET_DATA)
    bus.try_writing()
    bus.publish([Outgoing(MARKET_DATA, a_trade())])
    assert left(bus_client, MARKET_DATA) == 1
