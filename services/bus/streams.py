"""Redis Streams as the bus: publish, read as a consumer group, acknowledge, claim, put aside, trim.

An entry has the fields data (JSON) and traceparent and nothing else. Delivery is at least once.
"""

import base64
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import redis
from opentelemetry.trace import SpanContext
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from services.bus import messaging_spans
from services.clock import Clock
from services.errors import BUS, ServerAway
from services.messages import DeadLetter, Message, encode
from services.topology import DEAD_LETTERS, MARKET_DATA
from telemetry import tracing
from telemetry.tracing import Planned

MAX_MESSAGE_BYTES: Final = 64 * 1024
LENGTHS: Final = {MARKET_DATA: 200_000, DEAD_LETTERS: 10_000}
"""Streams that are cut to about this many entries; the others are trimmed behind what has been acknowledged."""
_DETAIL_LENGTH: Final = 500
_AWAY: Final = ("MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "BUSY ", "READONLY", "OOM")
"""Replies of a Redis that is there but cannot do it now."""


Key = tuple[str, str]
"""What tells one entry from all others: its stream and its id there."""


class Entry(NamedTuple):
    """One entry of a stream as it was read. data is None if the entry was trimmed while it waited."""

    stream: str
    id: str
    data: bytes | None
    traceparent: str | None

    @property
    def key(self) -> Key:
        """What tells it from all other entries."""
        return self.stream, self.id


class Outgoing(NamedTuple):
    """One message to publish, and the span because of which it is sent."""

    stream: str
    message: Message
    cause: SpanContext | None = None


class DeadEntry(NamedTuple):
    """An entry that nobody can handle, with the reason (a short word) and a sentence for a person."""

    entry: Entry
    reason: str
    detail: str
    span: Planned | None = None


class Bus:
    """One process's connection to the streams. Not thread-safe: one per thread.

    Every method raises ServerAway if Redis cannot do it now.
    """

    def __init__(self, client: redis.Redis, *, group: str, consumer: str, clock: Clock) -> None:
        self._redis: Any = client
        self.group = group
        self._consumer = consumer
        self._clock = clock

    def ping(self) -> None:
        """Raise ServerAway unless Redis answers."""
        with _translated():
            self._redis.ping()

    def try_writing(self) -> None:
        """Raise ServerAway unless Redis takes what is written; one that is full or read-only still answers a ping."""
        with _translated():
            self._redis.set(f"writable:{self.group}", "")

    def publish(self, messages: Iterable[Outgoing]) -> list[str]:
        """Append *messages* in one round trip and return their entry ids."""
        with _translated():
            pipeline = self._redis.pipeline(transaction=False)
            with _sending(pipeline, messages) as ids:
                ids += [entry_id.decode() for entry_id in pipeline.execute()]
        return ids

    def publish_raw(self, stream: str, data: Iterable[bytes]) -> None:
        """Append entries whose data need not be a message."""
        with _translated():
            pipeline = self._redis.pipeline(transaction=False)
            for item in data:
                _add(pipeline, stream, item, "")
            pipeline.execute()

    def newest(self, stream: str, *, count: int) -> list[Entry]:
        """The last *count* entries of *stream*, oldest first, whoever has read them."""
        with _translated():
            found = self._redis.xrevrange(stream, count=count)
        return list(_entries([(stream.encode(), found[::-1])]))

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
        with _translated():
            pipeline = self._redis.pipeline(transaction=False)
            self._acknowledge(pipeline, done)
            pipeline.xreadgroup(self.group, self._consumer, dict.fromkeys(streams, after), count=count, block=block_ms)
            try:
                found = pipeline.execute()[-1]
            except ResponseError as error:
                if not _reply(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                self.make_groups(streams)
                return []
        return list(_entries(found))

    def make_groups(self, streams: Iterable[str]) -> None:
        """Create this consumer's group on each of *streams* that lacks it."""
        with _translated():
            for stream in streams:
                try:
                    self._redis.xgroup_create(stream, self.group, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    def claim(self, stream: str, *, idle_ms: int, count: int) -> list[Entry]:
        """Take over entries which their consumer has left unacknowledged for *idle_ms*."""
        with _translated():
            try:
                _, found, _ = self._redis.xautoclaim(stream, self.group, self._consumer, idle_ms, count=count)
            except ResponseError as error:
                if str(error).startswith("NOGROUP"):
                    return []
                raise
        return list(_entries([(stream.encode(), found)]))

    def note_trial(self, entry: Entry) -> int:
        """Count that *entry* is about to be handled alone; return how many such trials have not come back."""
        with _translated():
            return int(self._redis.hincrby(f"trials:{self.group}", f"{entry.stream}/{entry.id}", 1))

    def forget_trial(self, entry: Entry) -> None:
        """Take notice that the process has outlived *entry*."""
        with _translated():
            self._redis.hdel(f"trials:{self.group}", f"{entry.stream}/{entry.id}")

    def deliveries(self, stream: str, *, count: int) -> dict[str, int]:
        """How often each of this consumer's unacknowledged entries has been delivered."""
        with _translated():
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
        with _translated():
            pipeline = self._redis.pipeline(transaction=True)
            with _sending(pipeline, outgoing) as ids:
                for letter in letters:
                    trace = tracing.traceparent_of(tracing.extract_span(letter.entry.traceparent))
                    _add(pipeline, DEAD_LETTERS, encode(self._dead_letter(letter)), trace)
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
        with _translated():
            found = self._redis.xrevrange(stream, max=until, count=count)
        return list(_entries([(stream.encode(), found[::-1])]))

    def settled(self, readers: Mapping[str, Collection[str]]) -> bool:
        """Whether every group in *readers* (stream: its groups) has read and acknowledged all, at one moment."""
        with _translated():
            pipeline = self._redis.pipeline(transaction=True)
            for stream in readers:
                pipeline.xinfo_stream(stream)
                pipeline.xinfo_groups(stream)
            found = pipeline.execute(raise_on_error=False)
        for number, groups in enumerate(readers.values()):
            stream_info, group_rows = found[2 * number], found[2 * number + 1]
            if isinstance(stream_info, Exception) or isinstance(group_rows, Exception):
                return False
            states = {row["name"].decode(): (row["last-delivered-id"], row["pending"]) for row in group_rows}
            quiet = (_end_of(stream_info), 0)
            if any(states.get(group) != quiet for group in groups):
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
        with _translated():
            return int(self._redis.xtrim(stream, minid=f"{milliseconds}-{sequence}", approximate=False))

    def _acknowledge(self, pipeline: Any, entries: Iterable[Entry]) -> None:
        by_stream: dict[str, list[str]] = {}
        for entry in entries:
            by_stream.setdefault(entry.stream, []).append(entry.id)
        for stream, ids in by_stream.items():
            pipeline.xack(stream, self.group, *ids)

    def _oldest_open(self, stream: str, group: str) -> str:
        """The id of the oldest entry that *group* has read and not acknowledged; empty if there is none."""
        with _translated():
            try:
                oldest: bytes | None = self._redis.xpending(stream, group)["min"]
            except ResponseError as error:
                if str(error).startswith("NOGROUP"):  # flushed since it was listed
                    return ""
                raise
        return (oldest or b"").decode()

    def _groups(self, stream: str) -> list[dict[str, Any]]:
        with _translated():
            try:
                rows: list[dict[str, Any]] = self._redis.xinfo_groups(stream)
            except ResponseError as error:
                if "no such key" in str(error):
                    return []
                raise
        return rows

    def _dead_letter(self, dead: DeadEntry) -> DeadLetter:
        now_ns = self._clock.now_ns() or 1
        data = dead.entry.data or b""
        kept = data[:MAX_MESSAGE_BYTES]
        text, encoding = _as_text(kept)
        return DeadLetter(
            ts_event=now_ns,
            ts_init=now_ns,
            stream=dead.entry.stream,
            entry_id=dead.entry.id,
            group=self.group,
            reason=dead.reason,
            detail=dead.detail[:_DETAIL_LENGTH],
            data=text,
            encoding="text" if encoding == "text" else "base64",
            size=len(data),
            complete=len(kept) == len(data),
        )


def stream_position(entry_id: str) -> tuple[int, int]:
    """A stream id as a pair that sorts as Redis sorts it."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def connect(*, host: str, port: int, password: str, timeout_s: float = 5.0) -> redis.Redis:
    """A client that connects at its first command and never retries by itself."""
    return redis.Redis(
        host=host,
        port=port,
        password=password or None,
        socket_timeout=timeout_s,
        socket_connect_timeout=2.0,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def _add(pipeline: Any, stream: str, data: bytes, traceparent: str) -> None:
    pipeline.xadd(stream, {"data": data, "traceparent": traceparent}, maxlen=LENGTHS.get(stream), approximate=True)


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


def _entries(found: Iterable[tuple[bytes, list[tuple[bytes, dict[bytes, bytes] | None]]]]) -> Iterator[Entry]:
    for stream, rows in found or ():
        name = stream.decode()
        for entry_id, fields in rows:
            if fields is None:
                yield Entry(name, entry_id.decode(), None, None)
            else:
                trace = fields.get(b"traceparent")
                yield Entry(
                    name,
                    entry_id.decode(),
                    fields.get(b"data", b""),
                    trace.decode("ascii", "replace") if trace else None,
                )


def _as_text(data: bytes) -> tuple[str, str]:
    try:
        return data.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OutOfMemoryError) as error:
        raise ServerAway(BUS, error) from error
    except ResponseError as error:
        if _reply(error).startswith(_AWAY):
            raise ServerAway(BUS, error) from error
        raise


def _reply(error: ResponseError) -> str:
    """What Redis said, without the command and its data that the client writes before it in a pipeline."""
    text = str(error)
    return text.rpartition(" of pipeline caused error: ")[2] if text.startswith("Command #") else text


def _end_of(stream_info: dict[str, Any]) -> bytes:
    last: bytes = stream_info["last-generated-id"]
    return last
