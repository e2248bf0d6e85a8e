"""The loop of every service that reads the bus: read, handle, publish and acknowledge, wait for servers, put aside."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeVar

import structlog

from services.bus import messaging_spans
from services.bus.streams import MAX_MESSAGE_BYTES, Bus, DeadEntry, Entry, Outgoing
from services.errors import InjectedFault
from services.messages import DEAD_LETTERS, MARKET_DATA, BadMessage, Message, decode
from services.runtime.loop_state import Pulse
from services.runtime.retry import attempt, persist
from telemetry import metrics, tracing
from telemetry.tracing import Planned

BATCH: Final = 500
MAX_DELIVERIES: Final = 5
MAX_ENDINGS: Final = 2
RETRY_AFTER_S: Final = 1.0
CLAIM_IDLE_MS: Final = 15_000
HOUSEKEEPING_S: Final = 1.0
BLOCK_MS: Final = 500
DEFERRED_BLOCK_MS: Final = 50

T = TypeVar("T")
log = structlog.get_logger()


class Received(NamedTuple):
    """An entry with the message that was read from it, when that was, and the span of handling it."""

    entry: Entry
    message: Message
    read_ns: int = 0
    span: Planned | None = None


class Batch(NamedTuple):
    """What one read brought. caught_up: there was nothing more on any stream when it was read."""

    received: list[Received]
    caught_up: bool


@dataclass
class Outcome:
    """What became of a batch. What is in none of dead, failed and deferred was handled and is acknowledged."""

    outgoing: list[Outgoing] = field(default_factory=list)
    dead: list[DeadEntry] = field(default_factory=list)
    failed: list[tuple[Received, Exception]] = field(default_factory=list)
    deferred: list[Received] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """What nobody waits for, such as records and log lines: done once everything is published and acknowledged."""


class Handler(Protocol):
    """What a service does with what it reads. May raise ServerAway at any point; it is called again with the same."""

    streams: Sequence[str]

    def handle(self, batch: Batch) -> Outcome:
        """Bring about the effects of *batch*; repeating it must have no further effect."""
        ...

    def housekeep(self) -> list[Outgoing]:
        """Do what is due about every second; return what to publish."""
        ...

    def close(self) -> None:
        """Keep what would be lost with the process; called once after the last batch."""
        ...


@dataclass
class _Retry:
    received: Received
    attempts: int
    due: float


class Consumer:
    """Feeds one handler from the bus until it is told to stop; *prepare* runs once, before the first message.

    *on_error* hears of every message that could not be handled (bad_message, handler or injected), and once of every
    outage that it meets (server_away); waiting for servers at the start is none.
    """

    def __init__(
        self,
        bus: Bus,
        handler: Handler,
        *,
        pulse: Pulse,
        stop: threading.Event,
        prepare: Callable[[], None] = lambda: None,
        on_error: Callable[[str], None] = lambda _error_type: None,
    ) -> None:
        self._on_error = on_error
        self._prepare = prepare
        self._bus = bus
        self._handler = handler
        self._pulse = pulse
        self._stop = stop
        self._deferred: list[Received] = []
        self._done: list[Entry] = []
        self._retries: dict[tuple[str, str], _Retry] = {}
        self._next_housekeeping = 0.0
        self._working = False

    def run(self) -> None:
        """Read and handle until stopped; what is in hand is finished first."""
        self._persist(self._recover)
        while not self._stop.is_set():
            self._pulse.beat()
            if time.monotonic() >= self._next_housekeeping:
                self._next_housekeeping = time.monotonic() + HOUSEKEEPING_S
                self._persist(self._housekeep)
                self._working = True
            self._persist(self._step)
        self._persist(lambda: self._commit([], []))
        self._persist(self._handler.close)

    def _step(self) -> None:
        block_ms = DEFERRED_BLOCK_MS if self._deferred else BLOCK_MS
        entries = self._bus.read(self._handler.streams, count=BATCH, block_ms=block_ms, done=self._done)
        self._done = []
        if entries or self._deferred:
            self._process(entries, caught_up=not _any_full(entries))

    def _process(self, entries: list[Entry], *, caught_up: bool) -> None:
        dead: list[DeadEntry] = []
        received = [*self._deferred, *_decoded(entries, dead)]
        self._deferred = []
        batch = Batch(received, caught_up)
        outcome = self._persist(lambda: self._handled(batch))
        if outcome is None:
            return
        outcome.dead.extend(dead)
        self._give_up_or_retry(outcome)
        self._deferred = outcome.deferred
        self._settle(entries, batch, outcome)

    def _settle(self, entries: list[Entry], batch: Batch, outcome: Outcome) -> None:
        open_ids = {(item.entry.stream, item.entry.id) for item in outcome.deferred}
        open_ids.update((item.entry.stream, item.entry.id) for item, _ in outcome.failed)
        open_ids.update((letter.entry.stream, letter.entry.id) for letter in outcome.dead)
        seen = {(entry.stream, entry.id): entry for entry in entries}
        seen.update({(item.entry.stream, item.entry.id): item.entry for item in batch.received})
        done = [entry for key, entry in seen.items() if key not in open_ids]
        self._done += done
        if outcome.outgoing or outcome.dead:
            self._persist(lambda: self._commit(outcome.outgoing, outcome.dead))
        ended_ns = time.time_ns()
        for letter in outcome.dead:
            self._report_dead(letter)
        failed = {(item.entry.stream, item.entry.id) for item, _ in outcome.failed}
        for key in seen.keys() - failed:
            self._retries.pop(key, None)
        for action in outcome.afterwards:
            if error := attempt(action):
                log.error("a record was lost", error=f"{type(error).__name__}: {error}")
        self._record_spans(batch, outcome, ended_ns)

    def _report_dead(self, letter: DeadEntry) -> None:
        metrics.dead_letters.labels(stream=letter.entry.stream, reason=letter.reason).inc()
        if letter.reason != "handler":
            self._on_error("bad_message")
        with messaging_spans.current(letter.span):
            log.warning(
                "message put aside",
                stream=letter.entry.stream,
                entry=letter.entry.id,
                reason=letter.reason,
                detail=letter.detail[:200],
            )

    def _record_spans(self, batch: Batch, outcome: Outcome, ended_ns: int) -> None:
        """Record a process span for each message that has one and is not still in hand."""
        spans: dict[tuple[str, str], tuple[Planned | None, int]]
        spans = {(item.entry.stream, item.entry.id): (item.span, item.read_ns) for item in batch.received if item.span}
        for item, _ in outcome.failed:  # a price has none of its own, but its failure is worth one
            spans.setdefault((item.entry.stream, item.entry.id), (item.span or tracing.plan(), item.read_ns))
        for letter in outcome.dead:  # some could not even be read
            spans.setdefault((letter.entry.stream, letter.entry.id), (letter.span, ended_ns))
        if not spans:
            return
        for item in outcome.deferred:
            spans.pop((item.entry.stream, item.entry.id), None)
        errors = {(item.entry.stream, item.entry.id): type(error).__name__ for item, error in outcome.failed}
        errors.update({(letter.entry.stream, letter.entry.id): letter.reason for letter in outcome.dead})
        for (stream, entry_id), (span, began_ns) in spans.items():
            if span:
                error, group = errors.get((stream, entry_id), ""), self._bus.group
                messaging_spans.processed(
                    span, stream, entry_id, group=group, began_ns=began_ns, ended_ns=ended_ns, error=error
                )

    def _commit(self, outgoing: Sequence[Outgoing], dead: Sequence[DeadEntry]) -> None:
        """Publish, put aside and acknowledge at once; if nothing is published, that goes along with the next read."""
        self._publish(self._done, outgoing, dead)
        self._done = []

    def _publish(self, done: Sequence[Entry], outgoing: Sequence[Outgoing], dead: Sequence[DeadEntry]) -> None:
        started = time.perf_counter()
        self._bus.commit(done, outgoing, dead)
        took_s = time.perf_counter() - started
        for topic in {*(message.stream for message in outgoing), *([DEAD_LETTERS] if dead else ())}:
            metrics.redis_publish_duration_seconds.labels(topic=topic).observe(took_s)

    def _handled(self, batch: Batch) -> Outcome:
        """Handle *batch* at once or, if it fails as a whole, each message alone."""
        outcomes: list[Outcome] = []
        error = attempt(lambda: outcomes.append(self._handler.handle(batch)))
        if error is None:
            return outcomes[0]
        if len(batch.received) == 1:
            return Outcome(failed=[(batch.received[0], error)])
        merged = Outcome()
        for item in batch.received:
            alone = self._handled(Batch([item], caught_up=False))
            merged.outgoing += alone.outgoing
            merged.dead += alone.dead
            merged.failed += alone.failed
            merged.deferred += alone.deferred
            merged.afterwards += alone.afterwards
        return merged

    def _give_up_or_retry(self, outcome: Outcome) -> None:
        """Plan another try for each failed message, or put it aside after MAX_DELIVERIES of them."""
        remaining = []
        for item, error in outcome.failed:
            key = (item.entry.stream, item.entry.id)
            attempts = self._retries[key].attempts + 1 if key in self._retries else 1
            detail = f"{type(error).__name__}: {error}"
            injected = isinstance(error, InjectedFault)
            self._on_error("injected" if injected else "handler")
            if not injected:
                with messaging_spans.current(item.span):
                    log.error(
                        "message failed", stream=item.entry.stream, entry=item.entry.id, attempt=attempts, error=detail
                    )
            if attempts >= MAX_DELIVERIES:
                del self._retries[key]
                outcome.dead.append(DeadEntry(item.entry, "handler", f"failed {attempts} times: {detail}", item.span))
            else:
                self._retries[key] = _Retry(item, attempts, time.monotonic() + RETRY_AFTER_S)
                remaining.append((item, error))
        outcome.failed[:] = remaining

    def _housekeep(self) -> None:
        outgoing = self._handler.housekeep()
        if outgoing:
            self._publish([], outgoing, [])
        for stream in self._handler.streams:
            in_hand = {item.entry.id for item in self._deferred if item.entry.stream == stream}
            in_hand.update(entry_id for of, entry_id in self._retries if of == stream)
            in_hand.update(entry.id for entry in self._done if entry.stream == stream)
            claimed = self._bus.claim(stream, idle_ms=CLAIM_IDLE_MS, count=BATCH)
            claimed = [entry for entry in claimed if entry.id not in in_hand]
            if claimed:
                metrics.messages_redelivered.labels(stream=stream).inc(len(claimed))
                self._process(claimed, caught_up=False)
            if stream != MARKET_DATA:
                self._bus.trim_acknowledged(stream)
        now = time.monotonic()
        for due in [retry for retry in self._retries.values() if retry.due <= now]:
            self._process([due.received.entry], caught_up=False)

    def _recover(self) -> None:
        """Take up what this consumer had read before it ended; put aside what has ended it again and again."""
        self._bus.make_groups(self._handler.streams)
        self._prepare()
        for stream in self._handler.streams:
            deliveries = self._bus.deliveries(stream, count=10_000)
            after = "0"
            while entries := self._bus.read([stream], count=BATCH, after=after):
                after = entries[-1].id
                metrics.messages_redelivered.labels(stream=stream).inc(len(entries))
                suspects = [entry for entry in entries if deliveries.get(entry.id, 0) >= MAX_DELIVERIES]
                self._process([entry for entry in entries if entry not in suspects], caught_up=False)
                for entry in suspects:
                    self._take_up_alone(entry)

    def _take_up_alone(self, entry: Entry) -> None:
        """Handle an entry that was delivered suspiciously often; the bus counts how often that ended the process.

        Being delivered again while a server is away proves nothing, so only what never comes back from here counts.
        """
        endings = self._bus.note_trial(entry)
        if endings > MAX_ENDINGS:
            self._publish([], [], [DeadEntry(entry, "handler", f"ended the process {endings - 1} times")])
        else:
            self._process([entry], caught_up=False)
        self._bus.forget_trial(entry)

    def _persist(self, function: Callable[[], T]) -> T | None:
        return persist(function, pulse=self._pulse, stop=self._stop, on_away=self._note_outage)

    def _note_outage(self) -> None:
        if self._working:
            self._on_error("server_away")


def _any_full(entries: Sequence[Entry]) -> bool:
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.stream] = counts.get(entry.stream, 0) + 1
    return any(count >= BATCH for count in counts.values())


def _decoded(entries: Sequence[Entry], dead: list[DeadEntry]) -> Iterator[Received]:
    """Yield the messages of *entries*; what is none joins *dead*. An entry that was trimmed meanwhile is left out."""
    read_ns = time.time_ns()
    for entry in entries:
        if entry.data is None:
            continue
        span = messaging_spans.plan_processing(entry.stream, entry.traceparent)
        if len(entry.data) > MAX_MESSAGE_BYTES:
            detail = f"{len(entry.data)} bytes, at most {MAX_MESSAGE_BYTES} are read"
            dead.append(DeadEntry(entry, "too_large", detail, span))
            continue
        try:
            yield Received(entry, decode(entry.stream, entry.data), read_ns, span)
        except BadMessage as error:
            dead.append(DeadEntry(entry, "bad_message", str(error), span))
