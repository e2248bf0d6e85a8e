"""The consumer's loop on a real Redis: what is put aside and when, what is waited for, and that nothing is doubled."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import redis

from services.bus.entries import DeadEntry, Entry, Outgoing
from services.bus.streams import RedisBus
from services.errors import ServerAway
from services.runtime.consumer import MAX_DELIVERIES, MAX_ENDINGS
from services.runtime.handling import Outcome, Received
from services.runtime.health import Health
from services.topology import ORDERS, SIGNALS
from tests.integration.services.consumer_thread import (
    GROUP,
    RecordingHandler,
    bus_of,
    consumer_thread,
    disk_error,
    in_hand,
    left,
    letters,
    make_idle,
    number,
    out_of_memory,
    read_as,
    read_by_group,
    send,
)
from tests.support.building import an_order
from tests.support.servers import Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def test_what_failed_once_and_is_then_declared_dead_is_one_dead_letter(
    servers: Servers, bus_client: redis.Redis
) -> None:
    """Its planned retry ends with it, or it would be put aside again every second."""

    def fails_and_then_is_dead(item: Received, outcome: Outcome) -> None:
        if len(hand.batches) == 1:
            raise ValueError("the first time")
        outcome.dead.append(DeadEntry(item.entry, "contradiction", "the second time"))

    hand = RecordingHandler(fails_and_then_is_dead)
    send(bus_client, 1)
    with consumer_thread(servers, hand):
        until(lambda: letters(bus_client), what="a dead letter")
        hand.wait_rounds(3)
    assert [letter.reason for letter in letters(bus_client)] == ["contradiction"]
    assert hand.batches == [[1], [1]]


def test_what_always_fails_is_put_aside_and_the_others_go_on(servers: Servers, bus_client: redis.Redis) -> None:
    def fails(item: Received, _outcome: Outcome) -> None:
        if number(item) == 2:
            raise ValueError("always")

    hand = RecordingHandler(fails)
    entries = send(bus_client, 1, 2, 3)
    with consumer_thread(servers, hand):
        hand.wait_done(1, 3)
        until(lambda: letters(bus_client), what="a dead letter")
        send(bus_client, 4)
        hand.wait_done(1, 3, 4)
    (letter,) = letters(bus_client)
    assert (letter.entry_id, letter.reason) == (entries[1], "handler")
    assert letter.detail == f"failed {MAX_DELIVERIES} times: ValueError: always"


def test_a_server_that_is_away_through_many_restarts_condemns_no_message(
    servers: Servers, bus_client: redis.Redis
) -> None:
    """They are delivered again and again through no fault of their own."""

    def meets_no_ledger(_item: Received, _outcome: Outcome) -> None:
        raise ServerAway("PostgreSQL", "as if it were stopped")

    send(bus_client, 1, 2)
    for _ in range(MAX_DELIVERIES + MAX_ENDINGS + 3):
        with consumer_thread(servers, RecordingHandler(meets_no_ledger)) as process:
            process.wait_problem("waiting for PostgreSQL")
    hand = RecordingHandler()
    with consumer_thread(servers, hand):
        hand.wait_done(1, 2)
    assert letters(bus_client) == []


@pytest.mark.parametrize(
    ("step", "arrives", "times"), [("note_trial", True, 3 * MAX_ENDINGS), ("forget_trial", False, 1)]
)
def test_a_statement_that_is_lost_again_and_again_condemns_no_message(
    servers: Servers, bus_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, step: str, times: int, *, arrives: bool
) -> None:
    """What a process does once more is no other process that has ended."""
    plain, lost = getattr(RedisBus, step), list[Entry]()

    def loses(self: RedisBus, entry: Entry, *more: int) -> None:
        if arrives or len(lost) == times:
            plain(self, entry, *more)
        if len(lost) < times:
            lost.append(entry)
            raise ServerAway("Redis", "as if statement or reply were lost")

    def ends_the_process(_item: Received, _outcome: Outcome) -> None:
        raise SystemExit

    send(bus_client, 1)
    for _ in range(MAX_DELIVERIES):
        with consumer_thread(servers, RecordingHandler(ends_the_process)) as process:
            until(process.has_ended, what="its end")
    hand = RecordingHandler()
    monkeypatch.setattr(RedisBus, step, loses)
    with consumer_thread(servers, hand):
        until(lambda: len(lost) == times and not in_hand(bus_client), what="it acknowledged")
    assert hand.batches
    assert letters(bus_client) == []


def test_what_ends_the_process_again_and_again_is_put_aside_alone(servers: Servers, bus_client: redis.Redis) -> None:
    """Those that were read together with it are handled, and so is what comes later."""

    def ends_the_process(item: Received, _outcome: Outcome) -> None:
        if number(item) == 2:
            raise SystemExit

    entries = send(bus_client, 1, 2, 3)
    endings = 0
    while not letters(bus_client):
        assert endings < 2 * (MAX_DELIVERIES + MAX_ENDINGS), "it is never put aside"
        with consumer_thread(servers, RecordingHandler(ends_the_process)) as process:
            until(lambda: process.has_ended() or letters(bus_client), what="its end")
            endings += process.has_ended()
    assert endings > MAX_ENDINGS
    with consumer_thread(servers, RecordingHandler(ends_the_process)):
        send(bus_client, 4)
        until(lambda: read_by_group(bus_client) == 4 and not in_hand(bus_client), what="the rest handled")
    (letter,) = letters(bus_client)
    assert (letter.entry_id, letter.reason) == (entries[1], "handler")


def test_what_a_dead_consumer_of_the_group_had_read_is_taken_over_once(
    servers: Servers, bus_client: redis.Redis
) -> None:
    bus_client.xgroup_create(SIGNALS, GROUP, id="0", mkstream=True)
    send(bus_client, 1, 2)
    make_idle(bus_client, "dead", read_as(bus_client, GROUP, "dead"))
    hand = RecordingHandler()
    with consumer_thread(servers, hand):
        hand.wait_done(1, 2)
        send(bus_client, 3)
        hand.wait_rounds(2)
        hand.wait_done(1, 2, 3)
    assert in_hand(bus_client) == 0


def test_a_deferred_message_is_not_doubled_by_taking_over_idle_ones(servers: Servers, bus_client: redis.Redis) -> None:
    """It may wait for longer than a dead consumer is given: it is in hand all the same."""
    ready = threading.Event()

    def defers(item: Received, outcome: Outcome) -> None:
        if not ready.is_set():
            outcome.deferred.append(item)

    hand = RecordingHandler(defers)
    entries = send(bus_client, 1)
    with consumer_thread(servers, hand):
        until(lambda: hand.batches, what="its first delivery")
        make_idle(bus_client, GROUP, entries)
        hand.wait_rounds(2)
        ready.set()
        hand.wait_done(1)
    assert {tuple(batch) for batch in hand.batches} == {(1,)}


def test_a_flushed_redis_is_picked_up_while_running(servers: Servers, bus_client: redis.Redis) -> None:
    """Streams and groups are gone; groups are made anew from the beginning, so nothing new is missed."""
    hand = RecordingHandler()
    with consumer_thread(servers, hand):
        for each in (1, 2, 3):
            send(bus_client, each)
            hand.wait_done(*range(1, each + 1))
            bus_client.flushall()
        send(bus_client, 4)
        hand.wait_done(1, 2, 3, 4)


@pytest.mark.parametrize(("refusing", "probe_fails"), [(out_of_memory, False), (disk_error, True)])
def test_a_redis_that_refuses_writes_is_waited_for_and_nothing_is_lost(
    servers: Servers,
    bus_client: redis.Redis,
    refusing: Callable[[redis.Redis], AbstractContextManager[None]],
    probe_fails: bool,
) -> None:
    """It is there but cannot do it now: what was handled is published and acknowledged once it can."""
    may_go_on = threading.Event()

    def passes_on(item: Received, outcome: Outcome) -> None:
        outcome.outgoing.append(Outgoing(ORDERS, an_order(order_id=f"order:{number(item)}")))
        may_go_on.wait(60)

    send(bus_client, 1, 2)
    with servers.redis() as client, consumer_thread(servers, hand := RecordingHandler(passes_on)) as process:
        health = Health(process.state, {"redis": bus_of(client).ping}, lambda _healthy: None)
        health.start()
        until(lambda: hand.batches, what="a message in hand")
        with refusing(bus_client):
            may_go_on.set()
            process.wait_problem("waiting for Redis")
            until(lambda: health.checks()["redis"] != "ok", holds=lambda fails: fails is probe_fails, what="the probe")
            assert (left(bus_client, ORDERS), in_hand(bus_client)) == (0, 2)
        until(health.checks, holds=lambda seen: set(seen.values()) == {"ok"}, what="health")
        send(bus_client, 3)
        hand.wait_done(1, 2, 3)
        until(lambda: in_hand(bus_client), holds=lambda seen: seen == 0, what="everything acknowledged")
    assert process.errors == ["server_away"]
    assert left(bus_client, ORDERS) == 3
    assert letters(bus_client) == []


def test_waiting_for_redis_at_the_start_is_no_error(servers: Servers, bus_client: redis.Redis) -> None:
    """Services start in any order; only what breaks off work is counted."""
    hand = RecordingHandler()
    with out_of_memory(bus_client), consumer_thread(servers, hand) as process:
        process.wait_problem("waiting for Redis")
        bus_client.config_set("maxmemory", 0)
        send(bus_client, 1)
        hand.wait_done(1)
    assert process.errors == []


def test_a_record_that_cannot_be_made_ends_nothing(servers: Servers, bus_client: redis.Redis) -> None:
    """What is done afterwards is not worth a message, let alone the process."""

    def fails() -> None:
        raise LookupError("no such series")

    def reports_in_vain(_item: Received, outcome: Outcome) -> None:
        outcome.afterwards.append(fails)

    hand = RecordingHandler(reports_in_vain)
    with consumer_thread(servers, hand):
        for each in (1, 2):
            send(bus_client, each)
            hand.wait_done(*range(1, each + 1))
            until(lambda: in_hand(bus_client), holds=lambda seen: seen == 0, what="its acknowledgement")
    assert letters(bus_client) == []


def test_what_is_done_and_about_to_be_acknowledged_is_not_taken_over(servers: Servers, bus_client: redis.Redis) -> None:
    """It may have waited long for its ledger and be idle by now; its acknowledgement goes along with the next read."""

    def takes_long(item: Received, _outcome: Outcome) -> None:
        make_idle(bus_client, GROUP, [item.entry.id])

    hand = RecordingHandler(takes_long)
    with consumer_thread(servers, hand):
        sent = 0
        while hand.rounds < 4:
            sent += 1
            send(bus_client, sent)
            until(lambda: sent in hand.done, every_s=0.01, what="the next one done")  # noqa: B023  at once
    assert hand.done == list(range(1, sent + 1))


def test_what_a_lost_reply_held_is_handled_before_anything_newer(
    servers: Servers, bus_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus has delivered it, so it would come again only after 15 s, and what is newer would overtake it."""
    plain = RedisBus.read
    lost: list[Entry] = []

    def read(self: RedisBus, *args: Any, **more: Any) -> list[Entry]:
        found = plain(self, *args, **more)
        if found and not lost:
            lost.extend(found)
            send(bus_client, 2)
            raise ServerAway("Redis", "the reply was lost")
        return found

    monkeypatch.setattr(RedisBus, "read", read)
    hand = RecordingHandler()
    send(bus_client, 1)
    with consumer_thread(servers, hand):
        hand.wait_done(1, 2)
    assert lost
    assert hand.done == [1, 2]


def test_a_message_that_was_trimmed_while_it_waited_is_no_bad_one(servers: Servers, bus_client: redis.Redis) -> None:
    (gone,) = send(bus_client, 1)
    bus_of(bus_client).make_groups([SIGNALS])
    read_as(bus_client, GROUP, GROUP)
    bus_client.xdel(SIGNALS, gone)
    send(bus_client, 2)
    hand = RecordingHandler()
    with consumer_thread(servers, hand):
        hand.wait_done(2)
    assert letters(bus_client) == []
