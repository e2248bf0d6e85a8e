"""The streams in this process's memory: the same promises as Redis makes, and no server that could be away.

Prices are handed on as they are; all other messages are written and read as on the wire, so that what a reader would
refuse is refused here, too. Who reads and who writes is one thread.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from services.bus.entries import DeadEntry, Entry, Key, Outgoing, dead_letter, stream_position
from services.clock import Clock
from services.messages import Message, encode
from services.topology import DEAD_LETTERS, MARKET_DATA

KEPT_PRICES: Final = 40_000
"""Prices that stay although everybody has read them: a service that starts again rebuilds its memory from them."""
KEPT_LETTERS: Final = 10_000


class Delivered(NamedTuple):
    """How often an entry was delivered, and when it was last (seconds that never run backwards)."""

    times: int
    at_s: float


@dataclass
class Group:
    """How far one group has read: the number of the next entry, and what it has not acknowledged.

    *pending* says of each id how often and when it was delivered; oldest first, for an id comes there once.
    """

    upcoming: int = 0
    pending: dict[str, Delivered] = field(default_factory=dict)


class Stream:
    """Entries by number. Numbers only rise; *first* is that of the oldest entry that is still there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first = 0
        self.entries: list[Entry | None] = []
        self.groups: dict[str, Group] = {}

    @property
    def end(self) -> int:
        return self.first + len(self.entries)

    def newest(self) -> int:
        """The number of the newest entry that was not removed; -1 if there is none."""
        places = range(len(self.entries) - 1, -1, -1)
        return next((self.first + place for place in places if self.entries[place] is not None), -1)

    def at(self, number: int) -> Entry | None:
        place = number - self.first
        return self.entries[place] if 0 <= place < len(self.entries) else None

    def drop_before(self, number: int) -> int:
        """Drop entries that are older than *number*; return how many were still there."""
        end = min(max(0, number - self.first), len(self.entries))
        removed = self.entries[:end].count(None)
        del self.entries[:end]
        self.first += end
        return end - removed


class Streams:
    """All streams of one process. What is on them is what each `MemoryBus` of these streams sees."""

    def __init__(self, *, kept_prices: int = KEPT_PRICES, now_ms: Callable[[], int] = lambda: 1) -> None:
        """Ids begin with *now_ms*, which never falls; it matters only to readers with a clock of their own."""
        self._kept_prices = kept_prices
        self.now_ms = now_ms
        self._streams: dict[str, Stream] = {}
        self.trials: dict[tuple[str, Key], int] = {}

    def stream(self, name: str) -> Stream:
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = Stream(name)
        return found

    def add(self, name: str, message: Message) -> Entry:
        """Append *message*; prices stay objects."""
        stream = self.stream(name)
        entry_id = f"{self.now_ms()}-{stream.end}"
        if name == MARKET_DATA:
            entry = Entry(name, entry_id, b"", None, message)
            if len(stream.entries) >= 2 * self._kept_prices:
                stream.drop_before(min([stream.end - self._kept_prices, *map(_oldest_open, stream.groups.values())]))
        else:
            entry = Entry(name, entry_id, encode(message), None)
            if name == DEAD_LETTERS:
                stream.drop_before(stream.end - KEPT_LETTERS)
        stream.entries.append(entry)
        return entry


class MemoryBus:
    """One consumer of the streams; `Bus` says what each method does."""

    def __init__(
        self, streams: Streams, *, group: str, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.group = group
        self._streams = streams
        self._clock = clock
        self._monotonic = monotonic

    def ping(self) -> None:
        """Answer: it is here."""

    def try_writing(self) -> None:
        """Take what is written."""

    def publish(self, messages: Iterable[Outgoing]) -> list[str]:
        return [self._streams.add(one.stream, one.message).id for one in messages]

    def newest(self, stream: str, *, count: int) -> list[Entry]:
        return _last(reversed(self._streams.stream(stream).entries), count)

    def newest_finished(self, stream: str, *, count: int) -> list[Entry]:
        found = self._streams.stream(stream)
        group = found.groups.get(self.group)
        if group is None:
            return []
        end = max(0, _oldest_open(group) - found.first)
        return _last((found.entries[place] for place in range(end - 1, -1, -1)), count)

    def read(
        self,
        streams: Sequence[str],
        *,
        count: int,
        block_ms: int | None = None,
        after: str = ">",
        done: Iterable[Entry] = (),
    ) -> list[Entry]:
        self._acknowledge(done)
        if any(self.group not in self._streams.stream(name).groups for name in streams):
            self.make_groups(streams)
            return []
        found: list[Entry] = []
        for name in streams:
            stream = self._streams.stream(name)
            group = stream.groups[self.group]
            if after == ">":
                found += self._new(stream, group, count)
            else:
                last = _number(after) if after != "0" else -1
                ids = islice((one for one in group.pending if _number(one) > last), count)
                found += self._again(stream, group, [*ids])
        return found

    def make_groups(self, streams: Iterable[str]) -> None:
        for name in streams:
            self._streams.stream(name).groups.setdefault(self.group, Group())

    def claim(self, stream: str, *, idle_ms: int, count: int) -> list[Entry]:
        found = self._streams.stream(stream)
        group = found.groups.get(self.group, Group())
        since_s = self._monotonic() - idle_ms / 1000
        ids = islice((entry_id for entry_id, delivered in group.pending.items() if delivered.at_s <= since_s), count)
        claimed = self._again(found, group, [*ids])
        for entry in claimed:
            if entry.data is None:  # gone for good
                del group.pending[entry.id]
        return [entry for entry in claimed if entry.data is not None]

    def trials(self, entry: Entry) -> int:
        return self._streams.trials.get((self.group, entry.key), 0)

    def note_trial(self, entry: Entry, number: int) -> None:
        self._streams.trials[self.group, entry.key] = number

    def forget_trial(self, entry: Entry) -> None:
        self._streams.trials.pop((self.group, entry.key), None)

    def deliveries(self, stream: str, *, count: int) -> dict[str, int]:
        group = self._streams.stream(stream).groups.get(self.group, Group())
        return {entry_id: delivered.times for entry_id, delivered in islice(group.pending.items(), count)}

    def commit(self, done: Iterable[Entry], outgoing: Iterable[Outgoing], dead: Iterable[DeadEntry]) -> None:
        letters = [letter._replace(entry=_written(letter.entry)) for letter in dead]
        for one in outgoing:
            self._streams.add(one.stream, one.message)
        for letter in letters:
            now_ns = self._clock.now_ns() or 1
            self._streams.add(DEAD_LETTERS, dead_letter(letter, group=self.group, now_ns=now_ns))
        self._acknowledge([*done, *(letter.entry for letter in letters)])

    def settled(self, readers: Mapping[str, Collection[str]]) -> bool:
        for name, groups in readers.items():
            stream = self._streams.stream(name)
            for group in groups:
                known = stream.groups.get(group)
                if known is None or known.pending:
                    return False
                if known.upcoming < stream.end and known.upcoming <= stream.newest():
                    return False
        return True

    def trim_acknowledged(self, stream: str) -> int:
        found = self._streams.stream(stream)
        return found.drop_before(min(map(_oldest_open, found.groups.values()), default=0))

    def remove(self, key: Key) -> None:
        name, entry_id = key
        stream = self._streams.stream(name)
        place = _number(entry_id) - stream.first
        if 0 <= place < len(stream.entries):
            stream.entries[place] = None

    def _acknowledge(self, entries: Iterable[Entry]) -> None:
        name, pending = "", dict[str, Delivered]()
        for entry in entries:
            if entry.stream != name:
                name = entry.stream
                pending = self._streams.stream(name).groups.get(self.group, Group()).pending
            pending.pop(entry.id, None)

    def _new(self, stream: Stream, group: Group, count: int) -> list[Entry]:
        place = max(group.upcoming - stream.first, 0)
        entries = stream.entries[place : place + count]
        there = [entry for entry in entries if entry is not None]
        end = stream.first + place + len(there)
        if len(there) < len(entries):  # some were removed: go on after them
            there = [*islice((entry for entry in stream.entries[place:] if entry is not None), count)]
            end = _number(there[-1].id) + 1 if there else end
        if there:
            group.upcoming = end
            group.pending.update(dict.fromkeys((entry.id for entry in there), Delivered(1, self._monotonic())))
        return there

    def _again(self, stream: Stream, group: Group, ids: Iterable[str]) -> list[Entry]:
        """What is unacknowledged, once more; an entry that is gone has no data."""
        found = []
        for entry_id in ids:
            entry = stream.at(_number(entry_id))
            if entry is not None:
                group.pending[entry_id] = Delivered(group.pending[entry_id].times + 1, self._monotonic())
            found.append(entry or Entry(stream.name, entry_id, None, None))
        return found


def _last(backwards: Iterable[Entry | None], count: int) -> list[Entry]:
    """The last *count* entries that are still there, oldest first."""
    return [*islice((entry for entry in backwards if entry is not None), count)][::-1]


def _oldest_open(group: Group) -> int:
    """The number of the oldest entry that *group* has not read and acknowledged."""
    return next((_number(entry_id) for entry_id in group.pending), group.upcoming)


def _number(entry_id: str) -> int:
    return stream_position(entry_id)[1]


def _written(entry: Entry) -> Entry:
    """*entry* with its message as data."""
    return entry if entry.message is None else msgspec.structs.replace(entry, data=encode(entry.message))
