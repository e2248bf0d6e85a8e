"""Redis Streams as the bus: publish, read as a consumer group, acknowledge, claim, put aside, trim.

An entry has the fields data (JSON) and traceparent and nothing else. Delivery is at least once.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.exceptions import ResponseError

from services.bus import messaging_spans
from services.bus.client import WRONG_TYPE, reply_of, translated
from services.bus.entries import DeadEntry, Entry, Key, Outgoing, dead_letter, entries_of, stream_position
from services.bus.keys import check_keys, trials_of
from services.clock import Clock, offset_s
from services.messages import encode
from services.topology import DEAD_LETTERS, MARKET_DATA
from telemetry import tracing

LENGTHS: Final = {MARKET_DATA: 200_000, DEAD_LETTERS: 10_000}
"""Streams that are cut to about this many entries; the others are trimmed behind what has been acknowledged."""
DEAD_LETTERS_BYTES: Final = 32 * 1024 * 1024
"""Of dead letters no more are kept than fit into this, so that garbage never fills Redis."""
_MICROSECONDS: Final = 1_000_000


class RedisBus:
    """One process's connection to the streams. Not thread-safe: one per thread.

    Every method raises ServerAway if Redis cannot do it now.
    """

    def __init__(self, client: redis.Redis, *, group: str, consumer: str, clock: Clock) -> None:
        self._redis: Any = client
        self.group = group
        self._consumer = consumer
        self._clock = clock
        self._wrong_key = False

    def ping(self) -> None:
        """Raise ServerAway unless Redis answers."""
        with self._asking():
            self._redis.ping()

    def clock_offset_s(self) -> float:
        """By how many seconds this process's clock is ahead of Redis's (behind: negative), as far as is certain."""
        with self._asking():
            began_ns = time.time_ns()
            seconds, microseconds = self._redis.time()
            return offset_s(began_ns, (seconds * _MICROSECONDS + microseconds) * 1000, time.time_ns())

    def try_writing(self) -> None:
        """Raise ServerAway unless Redis takes what is written; one that is full or read-only still answers a ping."""
        with self._asking():
            self._redis.set(f"writable:{self.group}", "")

    def publish(self, messages: Iterable[Outgoing]) -> list[str]:
        """Append *messages* in one round trip and return their entry ids."""
        with self._asking():
            pipeline = self._redis.pipeline(transaction=False)
            with _sending(pipeline, messages) as ids:
                ids += [entry_id.decode() for entry_id in pipeline.execute()]
        return ids

    def publish_raw(self, stream: str, data: Iterable[bytes]) -> None:
        """Append entries whose data need not be a message."""
        with self._asking():
            pipeline = self._redis.pipeline(transaction=False)
            for item in data:
                _add(pipeline, stream, item, "")
            pipeline.execute()

    def newest(self, stream: str, *, count: int) -> list[Entry]:
        """The last *count* entries of *stream*, oldest first, whoever has read them."""
        with self._asking():
            found = self._redis.xrevrange(stream, count=count)
        return list(entries_of([(stream.encode(), found[::-1])]))

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

        Acknowledges *done* in the same round trip. Waits up to *block_ms* for the first new entry; None does not wait.
        A missing group is made, from the stream's beginning, so a flushed Redis is picked up by itself.
        """
        with self._asking():
            pipeline = self._redis.pipeline(transaction=False)
            self._acknowledge(pipeline, done)
            pipeline.xreadgroup(self.group, self._consumer, dict.fromkeys(streams, after), count=count, block=block_ms)
            try:
                found = pipeline.execute()[-1]
            except ResponseError as error:
                if not reply_of(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                self.make_groups(streams)
                return []
        return list(entries_of(found))

    def make_groups(self, streams: Iterable[str]) -> None:
        """Create this consumer's group on each of *streams* that lacks it."""
        with self._asking():
            for stream in streams:
                try:
                    self._redis.xgroup_create(stream, self.group, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    def claim(self, stream: str, *, idle_ms: int, count: int) -> list[Entry]:
        """Take over entries which their consumer has left unacknowledged for *idle_ms*."""
        with self._asking():
            try:
                _, found, _ = self._redis.xautoclaim(stream, self.group, self._consumer, idle_ms, count=count)
            except ResponseError as error:
                if str(error).startswith("NOGROUP"):
                    return []
                raise
        return list(entries_of([(stream.encode(), found)]))

    def trials(self, entry: Entry) -> int:
        """How often *entry* was handled alone by a process that did not come back from it."""
        with self._asking():
            return int(self._redis.hget(trials_of(self.group), _trial_of(entry)) or 0)

    def note_trial(self, entry: Entry, number: int) -> None:
        """Take notice that *entry* is about to be handled alone, for the *number*-th time."""
        with self._asking():
            self._redis.hset(trials_of(self.group), _trial_of(entry), number)

    def forget_trial(self, entry: Entry) -> None:
        """Take notice that the process has outlived *entry*."""
        with self._asking():
            self._redis.hdel(trials_of(self.group), _trial_of(entry))

    def deliveries(self, stream: str, *, count: int) -> dict[str, int]:
        """How often each of this consumer's unacknowledged entries has been delivered."""
        with self._asking():
            try:
                rows = self._redis.xpending_range(
                    stream, self.group, min="-", max="+", count=count, consumername=self._consumer
                )
            except ResponseError as error:
                if str(error).startswith("NOGROUP"):
                    return {}
                raise
        return {row["message_id"].decode(): int(row["times_delivered"]) for row in rows}

    def commit(self, done: Iterable[Entry], outgoing: Iterable[Outgoing], dead: Iterable[DeadEntry]) -> None:
        """Publish *outgoing*, put *dead* aside and acknowledge *done* and *dead*, all or nothing."""
        letters = list(dead)
        with self._asking():
            pipeline = self._redis.pipeline(transaction=True)
            with _sending(pipeline, outgoing) as ids:
                for letter in letters:
                    trace = tracing.traceparent_of(tracing.extract_span(letter.entry.traceparent))
                    _add(
                        pipeline,
                        DEAD_LETTERS,
                        encode(dead_letter(letter, group=self.group, now_ns=self._clock.now_ns() or 1)),
                        trace,
                    )
                self._acknowledge(pipeline, [*done, *(letter.entry for letter in letters)])
                ids += [reply.decode() for reply in pipeline.execute() if isinstance(reply, bytes)]

    def newest_finished(self, stream: str, *, count: int) -> list[Entry]:
        """The last *count* entries, oldest first, behind which this group has acknowledged everything."""
        last = next(
            (row["last-delivered-id"] for row in self._groups(stream) if row["name"] == self.group.encode()), b"0-0"
        )
        if last == b"0-0":
            return []
        oldest = self._oldest_open(stream, self.group)
        until = f"({oldest}" if oldest else last.decode()
        with self._asking():
            found = self._redis.xrevrange(stream, max=until, count=count)
        return list(entries_of([(stream.encode(), found[::-1])]))

    def settled(self, readers: Mapping[str, Collection[str]]) -> bool:
        """Whether every group in *readers* (stream: its groups) has read and acknowledged all, at one moment."""
        with self._asking():
            pipeline = self._redis.pipeline(transaction=True)
            for stream in readers:
                pipeline.xinfo_stream(stream)
                pipeline.xinfo_groups(stream)
            found = pipeline.execute(raise_on_error=False)
            for reply in found:
                if isinstance(reply, ResponseError) and reply_of(reply).startswith(WRONG_TYPE):
                    raise reply
        for number, groups in enumerate(readers.values()):
            stream_info, group_rows = found[2 * number], found[2 * number + 1]
            if isinstance(stream_info, Exception) or isinstance(group_rows, Exception):
                return False
            newest = _newest_of(stream_info)
            quiet = {
                row["name"].decode()
                for row in group_rows
                if not row["pending"] and stream_position(row["last-delivered-id"].decode()) >= newest
            }
            if not quiet.issuperset(groups):
                return False
        return True

    def trim_acknowledged(self, stream: str) -> int:
        """Drop the entries of *stream* that every one of its groups has acknowledged; return how many."""
        first_needed: list[tuple[int, int]] = []
        for row in self._groups(stream):
            group = row["name"].decode()
            if row["last-delivered-id"] == b"0-0":
                return 0
            oldest = self._oldest_open(stream, group)
            milliseconds, sequence = stream_position(oldest or row["last-delivered-id"].decode())
            first_needed.append((milliseconds, sequence) if oldest else (milliseconds, sequence + 1))
        if not first_needed:
            return 0
        milliseconds, sequence = min(first_needed)
        with self._asking():
            return int(self._redis.xtrim(stream, minid=f"{milliseconds}-{sequence}", approximate=False))

    def remove(self, key: Key) -> None:
        """Take an entry off its stream; whoever has not read it will not get it."""
        with self._asking():
            self._redis.xdel(*key)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Have errors be ServerAway. Once a key is not what it should be, nothing else is asked until it is gone.

        Otherwise a transaction would be done by halves, again and again.
        """
        with translated():
            if self._wrong_key:
                check_keys(self._redis, self.group)
                self._wrong_key = False
            try:
                yield
            except ResponseError as error:
                if reply_of(error).startswith(WRONG_TYPE):
                    self._wrong_key = True
                    check_keys(self._redis, self.group)
                raise

    def _acknowledge(self, pipeline: Any, entries: Iterable[Entry]) -> None:
        by_stream: dict[str, list[str]] = {}
        for entry in entries:
            by_stream.setdefault(entry.stream, []).append(entry.id)
        for stream, ids in by_stream.items():
            pipeline.xack(stream, self.group, *ids)

    def _oldest_open(self, stream: str, group: str) -> str:
        """The id of the oldest entry that *group* has read and not acknowledged; empty if there is none."""
        with self._asking():
            try:
                oldest: bytes | None = self._redis.xpending(stream, group)["min"]
            except ResponseError as error:
                if str(error).startswith("NOGROUP"):  # flushed since it was listed
                    return ""
                raise
        return (oldest or b"").decode()

    def _groups(self, stream: str) -> list[dict[str, Any]]:
        with self._asking():
            try:
                rows: list[dict[str, Any]] = self._redis.xinfo_groups(stream)
            except ResponseError as error:
                if "no such key" in str(error):
                    return []
                raise
        return rows


def _add(pipeline: Any, stream: str, data: bytes, traceparent: str) -> None:
    fields = {"data": data, "traceparent": traceparent}
    pipeline.xadd(stream, fields, maxlen=most_entries(stream, len(data)), approximate=True)


def most_entries(stream: str, size: int) -> int | None:
    """How many entries *stream* may have when one of *size* bytes joins it; None: it is not cut by its length."""
    if stream == DEAD_LETTERS:
        return min(LENGTHS[stream], DEAD_LETTERS_BYTES // max(1, size))
    return LENGTHS.get(stream)


@contextmanager
def _sending(pipeline: Any, messages: Iterable[Outgoing]) -> Iterator[list[str]]:
    """Add *messages* to *pipeline*, each with a send span that lasts as long as the block, which notes their ids."""
    began_ns = time.time_ns()
    spans = []
    for message in messages:
        span = messaging_spans.plan_sending(message.stream, message.cause)
        _add(pipeline, message.stream, encode(message.message), tracing.traceparent_of(span.context) if span else "")
        spans.append((span, message.stream))
    ids: list[str] = []
    error = ""
    try:
        yield ids
    except redis.RedisError as failure:
        error = type(failure).__name__
        raise
    finally:
        ended_ns = time.time_ns()
        for place, (span, stream) in enumerate(spans):
            if span:
                entry_id = ids[place] if place < len(ids) else ""
                messaging_spans.sent(span, stream, entry_id, began_ns=began_ns, ended_ns=ended_ns, error=error)


def _newest_of(stream_info: dict[str, Any]) -> tuple[int, int]:
    """The place of the newest entry that is still there: nobody can read one that was removed."""
    entry = stream_info["last-entry"]
    return stream_position(entry[0].decode()) if entry else (0, 0)


def _trial_of(entry: Entry) -> str:
    return f"{entry.stream}/{entry.id}"
