"""The streams in this process's memory: the same promises as Redis makes, and no server that could be away.

Prices are handed on as they are; all other messages are written and read as on the wire, so that what a reader would
refuse is refused here, too. Who reads and who writes is one thread.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from services.bus.entries import DeadEntry, Entry, Key, Outgoing, dead_letter, stream_position
from services.clock import Clock
from services.messages import Message, encode
from services.topology import DEAD_LETTERS, MARKET_DATA

KEPT_PRICES: Final = 40_000
"""Prices that stay although everybody has read them: a service that starts again rebuilds its memory from them."""
KEPT_LETTERS: Final = 10_000


@dataclass
class Group:
    """How far one group has read: the number of the next entry, and deliveries of what it has not acknowledged.

    *pending* is by entry id, oldest first: an id is put there once, when it is read.
    """

    upcoming: int = 0
    pending: dict[str, int] = field(default_factory=dict)


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

    def at(self, number: int) -> Entry | None:
        place = number - self.first
        return self.entries[place] if 0 <= place < len(self.entries) else None

    def drop_before(self, number: int) -> int:
        """Drop entries that are older than *number*; return how many."""
        dropped = min(max(0, number - self.first), len(self.entries))
        del self.entries[:dropped]
        self.first += dropped
        return dropped


class Streams:
    """All streams of one process. What is on them is what each `MemoryBus` of these streams sees."""

    def __init__(self, *, kept_prices: int = KEPT_PRICES) -> None:
        self._kept_prices = kept_prices
        self._streams: dict[str, Stream] = {}
        self.trials: dict[tuple[str, Key], int] = {}

    def stream(self, name: str) -> Stream:
        return self._streams.setdefault(name, Stream(name))

    def add(self, name: str, message: Message) -> Entry:
        """Append *message*; prices stay objects."""
        stream = self.stream(name)
        number = stream.end
        if name == MARKET_DATA:
            entry = Entry(name, f"1-{number}", b"", None, message)
            if len(stream.entries) >= 2 * self._kept_prices:
                stream.drop_before(min([stream.end - self._kept_prices, *map(_oldest_open, stream.groups.values())]))
        else:
            entry = Entry(name, f"1-{number}", encode(message), None)
            if name == DEAD_LETTERS:
                stream.drop_before(stream.end - KEPT_LETTERS)
        stream.entries.append(entry)
        return entry

    def flush(self) -> None:
        """Lose everything, as a Redis that was emptied; numbers go on, so no id is given twice."""
        for stream in self._streams.values():
            stream.drop_before(stream.end)
            stream.groups.clear()
        self.trials.clear()


class MemoryBus:
    """One consumer of the streams; `Bus` says what each method does."""

    def __init__(self, streams: Streams, *, group: str, clock: Clock) -> None:
        self.group = group
        self._streams = streams
        self._clock = clock

    def ping(self) -> None:
        """Answer: it is here."""

    def try_writing(self) -> None:
        """Take what is written."""

    def publish(self, messages: Iterable[Outgoing]) -> list[str]:
        return [self._streams.add(one.stream, one.message).id for one in messages]

    def newest(self, stream: str, *, count: int) -> list[Entry]:
        return [entry for entry in self._streams.stream(stream).entries[-count:] if entry is not None]

    def newest_finished(self, stream: str, *, count: int) -> list[Entry]:
        found = self._streams.stream(stream)
        group = found.groups.get(self.group)
        if group is None:
            return []
        end = _oldest_open(group) - found.first
        return [entry for entry in found.entries[max(0, end - count) : max(0, end)] if entry is not None]

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
        found: list[Entry] = []
        for name in streams:
            stream = self._streams.stream(name)
            group = stream.groups.setdefault(self.group, Group())
            found += _new(stream, group, count) if after == ">" else _again(stream, group, count, after)
        return found

    def make_groups(self, streams: Iterable[str]) -> None:
        for name in streams:
            self._streams.stream(name).groups.setdefault(self.group, Group())

    def claim(self, stream: str, *, idle_ms: int, count: int) -> list[Entry]:
        """Nothing: there is one consumer in each group, and it takes up what is its own when it starts."""
        return []

    def note_trial(self, entry: Entry) -> int:
        key = self.group, entry.key
        self._streams.trials[key] = self._streams.trials.get(key, 0) + 1
        return self._streams.trials[key]

    def forget_trial(self, entry: Entry) -> None:
        self._streams.trials.pop((self.group, entry.key), None)

    def deliveries(self, stream: str, *, count: int) -> dict[str, int]:
        group = self._streams.stream(stream).groups.get(self.group, Group())
        return dict(islice(group.pending.items(), count))

    def commit(self, done: Iterable[Entry], outgoing: Iterable[Outgoing], dead: Iterable[DeadEntry]) -> None:
        letters = [letter._replace(entry=_written(letter.entry)) for letter in dead]
        self.publish(outgoing)
        for letter in letters:
            now_ns = self._clock.now_ns() or 1
            self._streams.add(DEAD_LETTERS, dead_letter(letter, group=self.group, now_ns=now_ns))
        self._acknowledge([*done, *(letter.entry for letter in letters)])

    def settled(self, readers: Mapping[str, Collection[str]]) -> bool:
        for name, groups in readers.items():
            stream = self._streams.stream(name)
            for group in groups:
                known = stream.groups.get(group)
                if known is None or known.pending or known.upcoming < stream.end:
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
        name, pending = "", dict[str, int]()
        for entry in entries:
            if entry.stream != name:
                name = entry.stream
                pending = self._streams.stream(name).groups.get(self.group, Group()).pending
            pending.pop(entry.id, None)


def _oldest_open(group: Group) -> int:
    """The number of the oldest entry that *group* has not read and acknowledged."""
    return next((_number(entry_id) for entry_id in group.pending), group.upcoming)


def _number(entry_id: str) -> int:
    return stream_position(entry_id)[1]


def _new(stream: Stream, group: Group, count: int) -> list[Entry]:
    begin = max(group.upcoming, stream.first)
    entries = stream.entries[begin - stream.first : begin - stream.first + count]
    group.upcoming = begin + len(entries)
    there = [entry for entry in entries if entry is not None]
    group.pending.update((entry.id, 1) for entry in there)
    return there


def _again(stream: Stream, group: Group, count: int, after: str) -> list[Entry]:
    """What is unacknowledged behind *after*; an entry that is gone has no data."""
    last = _number(after) if after != "0" else -1
    found = []
    for entry_id in [*islice((one for one in group.pending if _number(one) > last), count)]:
        group.pending[entry_id] += 1
        found.append(stream.at(_number(entry_id)) or Entry(stream.name, entry_id, None, None))
    return found


def _written(entry: Entry) -> Entry:
    """*entry* with its message as data."""
    return entry if entry.message is None else entry._replace(data=encode(entry.message))
