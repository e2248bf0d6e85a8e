"""What is dropped from the streams of a real Redis, and when."""

import pytest
import redis

from services.bus.entries import Outgoing
from services.topology import MARKET_DATA, SIGNALS
from tests.integration.services.consumer_thread import (
    GROUP,
    FlushedWhileLookedAt,
    RecordingHandler,
    bus_of,
    consumer_thread,
    left,
    read_as,
    send,
)
from tests.support.building import a_trade
from tests.support.servers import Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def test_a_stream_is_trimmed_only_behind_what_every_group_has_acknowledged(
    servers: Servers, bus_client: redis.Redis
) -> None:
    """The market's data are cut by length instead: whoever starts anew looks back at them."""
    hand = RecordingHandler(streams=(SIGNALS, MARKET_DATA))
    bus_client.xgroup_create(SIGNALS, "other", id="0", mkstream=True)
    entries = send(bus_client, 1, 2, 3, 4, 5)
    bus_of(bus_client).publish(Outgoing(MARKET_DATA, a_trade(trade_id=each)) for each in (6, 7, 8))
    with consumer_thread(servers, hand):
        hand.wait_done(1, 2, 3, 4, 5, 6, 7, 8)
        hand.wait_rounds(2)
        assert left(bus_client) == 5, "the other group has read nothing yet"
        assert read_as(bus_client, "other", "somebody") == entries
        hand.wait_rounds(2)
        assert left(bus_client) == 5, "the other group has acknowledged nothing yet"
        bus_client.xack(SIGNALS, "other", entries[0], entries[1], entries[3])
        until(lambda: left(bus_client), holds=lambda now: now < 5, what="a trimmed stream")
        assert left(bus_client) == 3
        bus_client.xack(SIGNALS, "other", entries[2], entries[4])
        until(lambda: left(bus_client), holds=lambda now: now == 0, what="a stream with nothing left")
    assert left(bus_client, MARKET_DATA) == 3


@pytest.mark.usefixtures("bus_client")
def test_a_redis_flushed_between_two_questions_is_no_error(servers: Servers) -> None:
    with servers.redis() as client:
        send(client, 1, 2)
        client.xgroup_create(SIGNALS, GROUP, id="0")
        assert len(read_as(client, GROUP, GROUP)) == 2
        bus = bus_of(FlushedWhileLookedAt(connection_pool=client.connection_pool))
        assert bus.trim_acknowledged(SIGNALS) == 0
        assert bus.newest_finished(SIGNALS, count=10) == []
