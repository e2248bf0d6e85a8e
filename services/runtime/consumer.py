"""The loop of every service that reads the bus: read, handle, publish and acknowledge, wait for servers, put aside."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from services.bus import messaging_spans
from services.bus.entries import MAX_MESSAGE_BYTES, DeadEntry, Entry, Key, Outgoing
from services.bus.port import Bus
from services.errors import InjectedFault, ServerAway
from services.messages import BadMessage, decode
from services.runtime import report, trace
from services.runtime.handling import Batch, Handler, Outcome, Received
from services.runtime.loop_state import LoopState
from services.runtime.retry import attempt, retry
from services.runtime.timeline import Timeline
from services.topology import MARKET_DATA

BATCH: Final = 500
MAX_DELIVERIES: Final = 5
MAX_ENDINGS: Final = 3
RETRY_AFTER_S: Final = 1.0
CLAIM_IDLE_MS: Final = 15_000
HOUSEKEEPING_S: Final = 1.0
REMOVE_AFTER_S: Final = 5.0
"""What was put aside leaves its stream, or garbage would fill Redis; until then other groups can read it, too."""
BLOCK_MS: Final = 500
DEFERRED_BLOCK_MS: Final = 50

T = TypeVar("T")


@dataclass
class _Retry:
    received: Received
    attempts: int
    due: float


class Consumer:
    """Feeds one handler from the bus until it is told to stop; *prepare* runs once, before the first message.

    *on_error* hears of every message that could not be handled (bad_message, handler or injected), and once of every
    outage that it meets (server_away); waiting for servers at the start is none. *answer* is called at each turn: it
    acts on what other threads ask of this one, and gives the messages that this leads to.
    """

    def __init__(
        self,
        bus: Bus,
        handler: Handler,
        state: LoopState,
        *,
        prepare: Callable[[], None] = lambda: None,
        on_error: Callable[[str], None] = lambda _error_type: None,
        answer: Callable[[], list[Outgoing]] = list,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._on_error = on_error
        self._prepare = prepare
        self._answer = answer
        self._bus = bus
        self._handler = handler
        self._state = state
        self._deferred: list[Received] = []
        self._done: list[Entry] = []
        self._retries: dict[Key, _Retry] = {}
        self._removals: deque[tuple[float, Key]] = deque()
        self._endings: dict[Key, int] = {}
        self._next_housekeeping = 0.0
        self._working = False
        self._reply_lost = False

    def run(self) -> None:
        """Read and handle until stopped; what is in hand is finished first."""
        self.start()
        while not self._state.stop.is_set():
            self.turn()
        self.finish()

    def start(self) -> None:
        """Take up what an earlier process has left."""
        self._retry(self._recover)

    def turn(self) -> None:
        """Do what is due, then read and handle once."""
        self._state.turned()
        if self._monotonic() >= self._next_housekeeping:
            self._next_housekeeping = self._monotonic() + HOUSEKEEPING_S
            self._retry(self._housekeep)
            self._working = True
        if outgoing := self._answer():
            self._retry(lambda: self._publish([], outgoing, []))
        self._retry(self._step)

    def finish(self) -> None:
        """Acknowledge what is done, and keep what the next process needs."""
        self._retry(lambda: self._commit([], [], []))
        self._retry(self._handler.close)

    def _step(self) -> None:
        if self._reply_lost:
            self._take_up_lost()
        block_ms = DEFERRED_BLOCK_MS if self._deferred else BLOCK_MS
        try:
            entries = self._bus.read(self._handler.streams, count=BATCH, block_ms=block_ms, done=self._done)
        except ServerAway:
            self._reply_lost = True
            raise
        self._done = []
        if entries or self._deferred:
            self._process(entries, caught_up=not _any_full(entries))

    def _take_up_lost(self) -> None:
        """Read again what the bus may have given when its reply was lost; a signal must not overtake its price."""
        for stream in self._handler.streams:
            after = "0"
            while entries := self._bus.read([stream], count=BATCH, after=after):
                after = entries[-1].id
                self._take_again(stream, entries)
        self._reply_lost = False

    def _take_again(self, stream: str, entries: list[Entry]) -> None:
        """Handle those of *entries*, delivered once more, that are not in hand."""
        in_hand = {item.entry.key for item in self._deferred} | {entry.key for entry in self._done}
        again = [entry for entry in entries if entry.key not in in_hand and entry.key not in self._retries]
        if again:
            report.redelivered(stream, len(again))
            self._process(again, caught_up=False)

    def _process(self, entries: list[Entry], *, caught_up: bool) -> None:
        dead: list[DeadEntry] = []
        seen = [*entries, *(item.entry for item in self._deferred)]
        received = [*self._deferred, *_decoded(entries, dead)]
        self._deferred = []
        batch = Batch(received, caught_up)
        outcome = self._retry(lambda: self._handled(batch))
        if outcome is None:
            return
        outcome.dead.extend(dead)
        self._give_up_or_retry(outcome)
        self._deferred = outcome.deferred
        self._settle(seen, batch, outcome)

    def _settle(self, seen: list[Entry], batch: Batch, outcome: Outcome) -> None:
        """Publish, acknowledge, then do what nobody waits for."""
        still_open = outcome.open_keys()
        done = [entry for entry in seen if entry.key not in still_open] if still_open else seen
        if outcome.outgoing or outcome.dead:
            self._retry(lambda: self._commit(done, outcome.outgoing, outcome.dead))
        else:
            self._done += done
        ended_ns = time.time_ns()
        for entry in outcome.early:
            report.left_out(entry)
        for letter in outcome.dead:
            self._removals.append((self._monotonic() + REMOVE_AFTER_S, letter.entry.key))
            report.put_aside(letter)
            if letter.reason != "handler":
                self._on_error("bad_message")
        if self._retries:
            for key in {entry.key for entry in seen} - outcome.failed_keys():
                self._retries.pop(key, None)
        for action in outcome.afterwards:
            if error := attempt(action):
                report.record_lost(error)
        trace.record(batch, outcome, group=self._bus.group, ended_ns=ended_ns)

    def _commit(self, done: Sequence[Entry], outgoing: Sequence[Outgoing], dead: Sequence[DeadEntry]) -> None:
        """Publish, put aside and acknowledge at once; if nothing is published, that goes along with the next read.

        So what led to something is acknowledged with it or, if the loop is asked to stop before, not at all.
        """
        self._publish([*self._done, *done], outgoing, dead)
        self._done = []

    def _publish(self, done: Sequence[Entry], outgoing: Sequence[Outgoing], dead: Sequence[DeadEntry]) -> None:
        timeline = Timeline()
        self._bus.commit(done, outgoing, dead)
        report.published(outgoing, dead, timeline.seconds())

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
            merged.add(self._handled(Batch([item], caught_up=False)))
        return merged

    def _give_up_or_retry(self, outcome: Outcome) -> None:
        """Plan another try for each failed message, or put it aside after MAX_DELIVERIES of them."""
        remaining = []
        for item, error in outcome.failed:
            key = item.entry.key
            attempts = self._retries[key].attempts + 1 if key in self._retries else 1
            injected = isinstance(error, InjectedFault)
            self._on_error("injected" if injected else "handler")
            if not injected:
                report.failed(item, error, attempt=attempts)
            if attempts >= MAX_DELIVERIES:
                del self._retries[key]
                detail = f"failed {attempts} times: {type(error).__name__}: {error}"
                outcome.dead.append(DeadEntry(item.entry, "handler", detail, item.span))
            else:
                self._retries[key] = _Retry(item, attempts, self._monotonic() + RETRY_AFTER_S)
                remaining.append((item, error))
        outcome.failed[:] = remaining

    def _housekeep(self) -> None:
        outgoing = self._handler.housekeep()
        if outgoing:
            self._publish([], outgoing, [])
        for stream in self._handler.streams:
            self._take_again(stream, self._bus.claim(stream, idle_ms=CLAIM_IDLE_MS, count=BATCH))
            if stream != MARKET_DATA:
                self._bus.trim_acknowledged(stream)
        now = self._monotonic()
        while self._removals and self._removals[0][0] <= now:
            self._bus.remove(self._removals[0][1])
            self._removals.popleft()
        for planned in [one for one in self._retries.values() if one.due <= now]:
            self._process([planned.received.entry], caught_up=False)

    def _recover(self) -> None:
        """Take up what this consumer had read before it ended; put aside what has ended it again and again."""
        self._bus.make_groups(self._handler.streams)
        self._prepare()
        for stream in self._handler.streams:
            deliveries = self._bus.deliveries(stream, count=10_000)
            after = "0"
            while entries := self._bus.read([stream], count=BATCH, after=after):
                after = entries[-1].id
                report.redelivered(stream, len(entries))
                suspects = [entry for entry in entries if deliveries.get(entry.id, 0) >= MAX_DELIVERIES]
                self._process([entry for entry in entries if entry not in suspects], caught_up=False)
                for entry in suspects:
                    self._take_up_alone(entry)

    def _take_up_alone(self, entry: Entry) -> None:
        """Handle an entry that was delivered suspiciously often; the bus counts how often that ended the process.

        Being delivered again while a server is away proves nothing, so only what never comes back from here counts.
        Nor does it count twice what this process tries again because a reply was lost.
        """
        if entry.key not in self._endings:
            self._endings[entry.key] = self._bus.trials(entry)
        endings = self._endings[entry.key]
        if endings >= MAX_ENDINGS:
            self._publish([], [], [DeadEntry(entry, "handler", f"ended the process {endings} times")])
        else:
            self._bus.note_trial(entry, endings + 1)
            self._process([entry], caught_up=False)
            self._commit([], [], [])  # or a process that dies before its next read has not come back from it either
        self._bus.forget_trial(entry)
        del self._endings[entry.key]

    def _retry(self, function: Callable[[], T]) -> T | None:
        return retry(function, self._state, on_away=self._note_outage)

    def _note_outage(self) -> None:
        if self._working:
            self._on_error("server_away")


def _any_full(entries: Sequence[Entry]) -> bool:
    if len(entries) < BATCH:
        return False
    return any(count >= BATCH for count in Counter(entry.stream for entry in entries).values())


def _decoded(entries: Sequence[Entry], dead: list[DeadEntry]) -> Iterator[Received]:
    """Yield the messages of *entries*; what is none joins *dead*. An entry that was trimmed meanwhile is left out."""
    read_ns = time.time_ns()
    for entry in entries:
        if entry.data is None:
            continue
        if entry.message is not None:
            yield Received(entry, entry.message, read_ns)
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
