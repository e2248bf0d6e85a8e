"""What a consumer, a handler and the publisher ask of a bus: Redis (streams.py), or the memory of this process."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from services.bus.entries import DeadEntry, Entry, Key, Outgoing


class Bus(Protocol):
    """One process's view of the streams. Delivery is at least once. Every method may raise ServerAway."""

    group: str

    def ping(self) -> None:
        """Raise ServerAway unless the bus answers."""
        ...

    def try_writing(self) -> None:
        """Raise ServerAway unless the bus takes what is written."""
        ...

    def publish(self, messages: Iterable[Outgoing]) -> list[str]:
        """Append *messages* and return their entry ids."""
        ...

    def newest(self, stream: str, *, count: int) -> list[Entry]:
        """The last *count* entries of *stream*, oldest first, whoever has read them."""
        ...

    def newest_finished(self, stream: str, *, count: int) -> list[Entry]:
        """The last *count* entries, oldest first, behind which this group has acknowledged everything."""
        ...

    def read(
        self,
        streams: Sequence[str],
        *,
        count: int,
        block_ms: int | None = None,
        after: str = ">",
        done: Iterable[Entry] = (),
    ) -> list[Entry]:
        """Up to *count* new entries per stream, or with *after* this consumer's unacknowledged ones behind it.

        Acknowledges *done* first. Waits up to *block_ms* for the first new entry; None does not wait.
        """
        ...

    def make_groups(self, streams: Iterable[str]) -> None:
        """Create this consumer's group on each of *streams* that lacks it, from the stream's beginning."""
        ...

    def claim(self, stream: str, *, idle_ms: int, count: int) -> list[Entry]:
        """Take over entries which their consumer has left unacknowledged for *idle_ms*."""
        ...

    def trials(self, entry: Entry) -> int:
        """How often *entry* was handled alone by a process that did not come back from it."""
        ...

    def note_trial(self, entry: Entry, number: int) -> None:
        """Take notice that *entry* is about to be handled alone, for the *number*-th time."""
        ...

    def forget_trial(self, entry: Entry) -> None:
        """Take notice that the process has outlived *entry*."""
        ...

    def deliveries(self, stream: str, *, count: int) -> dict[str, int]:
        """How often each of this consumer's unacknowledged entries has been delivered."""
        ...

    def commit(self, done: Iterable[Entry], outgoing: Iterable[Outgoing], dead: Iterable[DeadEntry]) -> None:
        """Publish *outgoing*, put *dead* aside and acknowledge *done* and *dead*, all or nothing."""
        ...

    def settled(self, readers: Mapping[str, Collection[str]]) -> bool:
        """Whether every group in *readers* (stream: its groups) has read and acknowledged all, at one moment."""
        ...

    def trim_acknowledged(self, stream: str) -> int:
        """Drop the entries of *stream* that every one of its groups has acknowledged; return how many."""
        ...

    def remove(self, key: Key) -> None:
        """Take an entry off its stream; whoever has not read it will not get it."""
        ...
