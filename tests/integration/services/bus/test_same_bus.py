"""The bus in memory and Redis do the same: any operations, in any order, on both."""

from collections.abc import Callable
from typing import Any, Final

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.bus.entries import DeadEntry, Entry, Outgoing
from services.bus.memory import MemoryBus, Streams
from services.bus.port import Bus
from services.bus.streams import RedisBus
from services.clock import EventClock
from services.topology import FILLS, ORDERS
from tests.support.building import an_order

pytestmark = pytest.mark.integration

STREAMS: Final = (ORDERS, FILLS)
GROUPS: Final = ("one", "two")

numbers = st.integers(0, 3)
streams = st.sampled_from(STREAMS)
groups = st.sampled_from(GROUPS)
OPERATIONS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), streams, numbers),
        st.tuples(st.just("read"), groups, numbers),
        st.tuples(st.just("read again"), groups, streams),
        st.tuples(st.just("acknowledge"), groups, numbers),
        st.tuples(st.just("commit"), groups, streams),
        st.tuples(st.just("put aside"), groups, numbers),
        st.tuples(st.just("claim"), groups, streams),
        st.tuples(st.just("remove"), streams, numbers),
        st.tuples(st.just("trim"), groups, streams),
        st.tuples(st.just("make groups"), groups, streams),
    ),
    max_size=40,
)


class Both:
    """One kind of bus with two groups. Entry ids are told by the place at which they were published."""

    def __init__(self, make: Callable[[str], Bus]) -> None:
        self._buses = {group: make(group) for group in GROUPS}
        self._ids: dict[str, list[str]] = {name: [] for name in STREAMS}
        self._had: dict[str, list[Entry]] = {group: [] for group in GROUPS}

    def do(self, what: str, first: str, second: Any) -> Any:
        """Do one operation, and tell what can be seen afterwards."""
        return getattr(self, f"_{what.replace(' ', '_')}")(first, second), self.seen()

    def seen(self) -> list[Any]:
        """What each group has unacknowledged and finished, and whether all is settled."""
        found: list[Any] = [bus.settled(dict.fromkeys(STREAMS, GROUPS)) for bus in self._buses.values()]
        for bus in self._buses.values():
            for name in STREAMS:
                deliveries = bus.deliveries(name, count=100)
                found.append({self._place(name, entry_id): times for entry_id, times in deliveries.items()})
                found.append(self._told(bus.newest_finished(name, count=100)))
        return found

    def _publish(self, stream: str, count: int) -> int:
        self._ids[stream] += self._buses[GROUPS[0]].publish([Outgoing(stream, an_order()) for _ in range(count)])
        return count

    def _read(self, group: str, count: int) -> Any:
        found = self._buses[group].read(STREAMS, count=count + 1)
        self._had[group] += found
        return self._told(found)

    def _read_again(self, group: str, stream: str) -> Any:
        return self._told(self._buses[group].read([stream], count=100, after="0"))

    def _acknowledge(self, group: str, count: int) -> Any:
        done, self._had[group] = self._had[group][:count], self._had[group][count:]
        found = self._buses[group].read(STREAMS, count=1, done=done)
        self._had[group] += found
        return self._told(found)

    def _commit(self, group: str, stream: str) -> None:
        bus = self._buses[group]
        done, self._had[group] = self._had[group], []
        bus.commit(done, [Outgoing(stream, an_order())], [])
        self._ids[stream].append(bus.newest(stream, count=1)[0].id)

    def _put_aside(self, group: str, _count: int) -> None:
        if self._had[group]:
            self._buses[group].commit([], [], [DeadEntry(self._had[group].pop(), "reason", "detail")])

    def _claim(self, group: str, stream: str) -> Any:
        return self._told(self._buses[group].claim(stream, idle_ms=0, count=100))

    def _remove(self, stream: str, place: int) -> None:
        if place < len(self._ids[stream]):
            self._buses[GROUPS[0]].remove((stream, self._ids[stream][place]))

    def _trim(self, group: str, stream: str) -> int:
        return self._buses[group].trim_acknowledged(stream)

    def _make_groups(self, group: str, stream: str) -> None:
        self._buses[group].make_groups([stream])

    def _told(self, entries: list[Entry]) -> list[tuple[str, int, bool]]:
        return [(entry.stream, self._place(entry.stream, entry.id), entry.data is None) for entry in entries]

    def _place(self, stream: str, entry_id: str) -> int:
        return self._ids[stream].index(entry_id)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_any_operations_show_the_same(bus_client: redis.Redis, operations: list[tuple[str, str, Any]]) -> None:
    bus_client.flushall()
    shared = Streams()
    real = Both(lambda group: RedisBus(bus_client, group=group, consumer=group, clock=EventClock()))
    memory = Both(lambda group: MemoryBus(shared, group=group, clock=EventClock()))
    for operation in operations:
        assert memory.do(*operation) == real.do(*operation), operation
