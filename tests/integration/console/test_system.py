"""System on a real Redis and a real ledger: streams, memory, sizes, dead letters."""

import pytest
import redis

from console.ground import Ground
from console.system.bus import memory, streams
from console.system.ledger import size
from console.system.letters import SHOWN, letters
from services.bus.entries import DeadEntry, Entry
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.topology import DEAD_LETTERS, READERS, SIGNALS
from tests.integration.console.conftest import GroundOf
from tests.support.consoles import client_of
from tests.support.servers import Database

pytestmark = pytest.mark.integration

HOSTILE = b'{"symbol": "<script>alert(1)</script>", "n": [1]}'


@pytest.fixture
def ground(database: Database, ground_on: GroundOf, bus_client: redis.Redis) -> Ground:
    return ground_on(database)


@pytest.fixture
def bus(bus_client: redis.Redis) -> RedisBus:
    return RedisBus(bus_client, group="cdb_risk", consumer="test", clock=WallClock())


def put_aside(bus: RedisBus, data: bytes, *, detail: str = "a field is missing", number: int = 1) -> None:
    entry = Entry(SIGNALS, f"{number}-0", data, None)
    bus.commit([], [], [DeadEntry(entry, "unreadable", detail)])


def test_an_empty_redis_says_which_streams_and_readers_are_missing(ground: Ground) -> None:
    found = {one.name: one for one in streams(ground.bus)}
    assert [*found] == [*READERS, DEAD_LETTERS]
    assert {one.problem for one in found.values()} == {"nothing has been sent on it yet"}
    assert all(group.is_missing for one in found.values() for group in one.groups)
    assert client_of(ground).get("/system").status_code == 200


def test_lag_and_pending_are_those_of_each_group(ground: Ground, bus: RedisBus) -> None:
    bus.make_groups([SIGNALS])
    bus.publish_raw(SIGNALS, [b"1", b"2", b"3", b"4"])
    read = bus.read([SIGNALS], count=3)
    bus.read([SIGNALS], count=1, done=read[:1], after="0")
    found = next(one for one in streams(ground.bus) if one.name == SIGNALS)
    (group,) = found.groups
    assert (found.length, group.name, group.lag, group.pending, group.consumers) == (4, "cdb_risk", 1, 2, 1)
    assert group.oldest_pending is not None
    assert found.newest is not None
    assert group.oldest_pending <= found.newest
    assert found.size is not None
    assert not found.problem


def test_a_key_that_is_no_stream_is_told(ground: Ground, bus_client: redis.Redis) -> None:
    bus_client.set(SIGNALS, "x")
    found = next(one for one in streams(ground.bus) if one.name == SIGNALS)
    assert "WRONGTYPE" in found.problem
    assert "WRONGTYPE" in client_of(ground).get("/system").get_data(as_text=True)


def test_memory_is_told_with_its_limit(ground: Ground) -> None:
    found = memory(ground.bus)
    assert 0 < found.used <= found.peak
    assert found.limit > found.used
    assert found.policy == "noeviction"


def test_the_ledgers_tables_have_their_sizes(ground: Ground) -> None:
    with ground.ledger.moment() as rows:
        found = size(rows)
    assert {"decisions", "fills", "orders", "equity_marks"} <= {table.name for table in found.tables}
    assert all(table.size >= table.indexes for table in found.tables)
    assert found.size > sum(table.size for table in found.tables)


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (HOSTILE, '{\n  "symbol": "<script>alert(1)</script>",\n  "n": [\n    1\n  ]\n}'),
        (b"no json \x1b[31m", "no json \\x1b[31m"),
        (b"\xff\x00abc", "000000  ff 00 61 62 63"),
        (b"", ""),
    ],
    ids=repr,
)
def test_a_dead_letter_is_readable_whatever_it_is(ground: Ground, bus: RedisBus, data: bytes, content: str) -> None:
    put_aside(bus, data)
    found = letters(ground.bus)
    (one,) = found.newest
    assert (found.count, one.content, one.stream, one.group, one.reason) == (
        1,
        content,
        SIGNALS,
        "cdb_risk",
        "unreadable",
    )


def test_a_letter_that_cannot_be_read_itself_is_shown(ground: Ground, bus_client: redis.Redis) -> None:
    bus_client.xadd(DEAD_LETTERS, {"data": b"\xff"})
    (one,) = letters(ground.bus).newest
    assert (one.reason, one.content) == ("unreadable", "000000  ff")
    assert "cannot be sent again" in client_of(ground).get("/system").get_data(as_text=True)


def test_the_newest_letters_come_first_and_all_are_counted(ground: Ground, bus: RedisBus) -> None:
    for number in range(1, SHOWN + 6):
        put_aside(bus, str(number).encode(), number=number)
    found = letters(ground.bus)
    assert (found.count, len(found.newest), found.newest[0].content) == (SHOWN + 5, SHOWN, str(SHOWN + 5))


def test_what_is_in_a_letter_is_text_on_the_page(ground: Ground, bus: RedisBus) -> None:
    put_aside(bus, HOSTILE, detail="<script>alert(2)</script>")
    shown = client_of(ground).get("/system").get_data(as_text=True)
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "&lt;script&gt;alert(2)" in shown


def test_the_page_names_redis_and_postgresql_as_reached_while_the_others_are_away(ground: Ground) -> None:
    shown = client_of(ground).get("/system").get_data(as_text=True)
    assert shown.count('<span class="good">reached</span>') == 2
    assert shown.count('<span class="bad">away</span>') == 3
