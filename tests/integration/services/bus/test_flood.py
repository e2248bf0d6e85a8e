"""A flood of messages that nobody can read: it is put aside, and never fills Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import redis

from services.bus.entries import KEPT_BYTES, DeadEntry, Entry, Outgoing
from services.bus.streams import DEAD_LETTERS_BYTES, LENGTHS
from services.topology import DEAD_LETTERS, MARKET_DATA, ORDERS, SIGNALS
from tests.integration.services.consumer_thread import (
    GROUP,
    RecordingHandler,
    bus_of,
    consumer_thread,
    left,
    letters,
)
from tests.support.building import an_order
from tests.support.servers import Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration

MEMORY: Final = 256 * 1024 * 1024
"""What Redis may use in both ways to run the bot."""
SIZE: Final = 64_000


def memory(client: redis.Redis, key: str) -> int:
    """How many bytes a stream takes, every entry looked at."""
    return int(client.memory_usage(key, samples=0) or 0)


@contextmanager
def room_for(client: redis.Redis, more: int) -> Iterator[None]:
    """Let Redis use no more than *more* bytes besides what it uses now."""
    used: Any = client.info("memory")
    before: Any = client.config_get("maxmemory")
    client.config_set("maxmemory", used["used_memory"] + more)
    try:
        yield
    finally:
        client.config_set("maxmemory", before["maxmemory"])


@pytest.mark.parametrize("stream", [SIGNALS, MARKET_DATA])
def test_a_flood_of_unreadable_messages_leaves_room_for_others(
    servers: Servers, bus_client: redis.Redis, stream: str
) -> None:
    """110 MB of garbage, twice, where Redis may use 256 MB: afterwards little of it is left, here and there."""
    bus_client.config_set("maxmemory", MEMORY)
    with consumer_thread(servers, RecordingHandler(streams=(stream,))) as process:
        for number in (1, 2):
            for _ in range(11):
                bus_of(bus_client).publish_raw(stream, [b"\xff" * SIZE] * 160)
            until(lambda: len(process.errors), holds=lambda seen: seen == 1760 * number, what="all of it put aside")  # noqa: B023
            until(lambda: left(bus_client, stream), holds=lambda seen: seen == 0, what="nothing left of it")
            bus_of(bus_client).publish([Outgoing(ORDERS, an_order())])
    assert memory(bus_client, DEAD_LETTERS) < DEAD_LETTERS_BYTES
    kept = letters(bus_client)[-1]
    assert (kept.size, kept.complete, kept.encoding) == (SIZE, False, "base64")


@pytest.mark.parametrize("data", [b"\x00" * 60_000, "é".encode() * 3_000, b"\xff" * 4_000])
def test_dead_letters_are_bounded_in_bytes_whatever_is_in_them(bus_client: redis.Redis, data: bytes) -> None:
    """Escapes make text up to six times as long, and details of 500 characters come on top."""
    bus = bus_of(bus_client)
    dead = [DeadEntry(Entry(SIGNALS, f"{n}-0", data, None), "bad_message", "\x01" * 500) for n in range(1, 501)]
    with room_for(bus_client, 3 * DEAD_LETTERS_BYTES):
        for _ in range(24):
            bus.commit([], [], dead)
    assert memory(bus_client, DEAD_LETTERS) < 1.5 * DEAD_LETTERS_BYTES
    assert 0 < left(bus_client, DEAD_LETTERS) <= 1.1 * LENGTHS[DEAD_LETTERS]


def test_small_letters_before_and_after_large_ones_keep_the_bound(bus_client: redis.Redis) -> None:
    bus = bus_of(bus_client)
    sizes = [10, KEPT_BYTES, 10, 500, KEPT_BYTES, 10]
    for data in (b"\x00" * size for size in sizes):
        dead = [DeadEntry(Entry(SIGNALS, f"{n}-0", data, None), "bad_message", "") for n in range(1, 501)]
        for _ in range(8):
            bus.commit([], [], dead)
        assert memory(bus_client, DEAD_LETTERS) < 3 * DEAD_LETTERS_BYTES


@pytest.mark.parametrize(("size", "complete"), [(0, True), (1, True), (KEPT_BYTES, True), (KEPT_BYTES + 1, False)])
def test_a_letter_says_whether_its_message_was_cut(bus_client: redis.Redis, size: int, complete: bool) -> None:
    entry = Entry(SIGNALS, "1-0", b"x" * size, None)
    bus_of(bus_client).commit([], [], [DeadEntry(entry, "bad_message", "no JSON")])
    (letter,) = letters(bus_client)
    assert (letter.size, letter.complete, letter.group) == (size, complete, GROUP)
    assert len(letter.data) == min(size, KEPT_BYTES)
