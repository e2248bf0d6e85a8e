"""What a consumer leaves to the next process, on a bus in memory. The rest is tested on a real Redis."""

from collections.abc import Iterable

from services.bus.entries import DeadEntry, Entry, Outgoing
from services.bus.memory import MemoryBus, Streams
from services.clock import WallClock
from services.errors import BUS, ServerAway
from services.runtime.consumer import Consumer
from services.runtime.handling import Outcome, Received
from services.runtime.loop_state import LoopState
from services.topology import ORDERS, SIGNALS
from tests.integration.services.consumer_thread import GROUP, RecordingHandler
from tests.support.building import a_signal, an_order


class BusThatGoesAtTheEnd(MemoryBus):
    """Is away for a moment when something is published, just as the loop is asked to stop."""

    def __init__(self, streams: Streams, state: LoopState) -> None:
        super().__init__(streams, group=GROUP, clock=WallClock())
        self._state = state

    def commit(self, done: Iterable[Entry], outgoing: Iterable[Outgoing], dead: Iterable[DeadEntry]) -> None:
        if not self._state.stop.is_set():
            self._state.stop.set()
            raise ServerAway(BUS, "for a moment")
        super().commit(done, outgoing, dead)


def order(_item: Received, outcome: Outcome) -> None:
    outcome.outgoing.append(Outgoing(ORDERS, an_order()))


def test_what_was_not_published_before_the_end_is_left_to_the_next_process() -> None:
    """The message that led to it must not be acknowledged by what a loop does last."""
    streams, state = Streams(), LoopState()
    streams.add(SIGNALS, a_signal())
    Consumer(BusThatGoesAtTheEnd(streams, state), RecordingHandler(order), state).run()
    assert streams.stream(ORDERS).entries == []
    bus = MemoryBus(streams, group=GROUP, clock=WallClock())
    Consumer(bus, RecordingHandler(order), LoopState()).start()
    assert len(streams.stream(ORDERS).entries) == 1
