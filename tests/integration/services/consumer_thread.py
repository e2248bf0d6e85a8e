"""A consumer in a thread of its own, on a real Redis, whose handler does with each message what a test says."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import redis

from services.bus.entries import Outgoing
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.messages import DeadLetter, MarketData, Signal, decode
from services.runtime.consumer import Consumer
from services.runtime.handling import Batch, Outcome, Received
from services.runtime.loop_state import LoopState
from services.topology import DEAD_LETTERS, SIGNALS
from tests.support.building import a_signal
from tests.support.servers import Servers
from tests.support.waiting import until

GROUP: Final = "cdb_test"
Act = Callable[[Received, Outcome], None]


class RecordingHandler:
    """Does *act* with each message, and remembers all that came (by trade id) and what was done."""

    def __init__(self, act: Act = lambda _item, _outcome: None, *, streams: Sequence[str] = (SIGNALS,)) -> None:
        self.streams = streams
        self.batches: list[list[int]] = []
        self.done: list[int] = []
        self.rounds = 0
        self._act = act

    def handle(self, batch: Batch) -> Outcome:
        """Note the batch and do with each message what the test says."""
        outcome = Outcome()
        self.batches.append([number(item) for item in batch.received])
        for item in batch.received:
            self._act(item, outcome)
        left = {letter.entry.id for letter in outcome.dead} | {item.entry.id for item in outcome.deferred}
        self.done += [number(item) for item in batch.received if item.entry.id not in left]
        return outcome

    def housekeep(self) -> list[Outgoing]:
        """Count the rounds, about one a second."""
        self.rounds += 1
        return []

    def close(self) -> None:
        """Keep nothing."""

    def wait_rounds(self, count: int) -> None:
        """Wait until *count* rounds of housekeeping have begun from now on, so all but the last have ended."""
        enough = self.rounds + count
        until(lambda: self.rounds, holds=lambda seen: seen >= enough, what=f"housekeeping number {enough}")

    def wait_done(self, *numbers: int) -> None:
        """Wait until exactly these have been done, each once."""
        until(lambda: sorted(self.done), holds=lambda seen: seen == list(numbers), what=f"done: {numbers}")


class ConsumerThread:
    """A consumer that runs as if it were a process: SystemExit ends it, and nothing else may."""

    def __init__(self, client: redis.Redis, hand: RecordingHandler) -> None:
        self.state = LoopState()
        self.errors: list[str] = []
        self._consumer = Consumer(bus_of(client), hand, self.state, on_error=self.errors.append)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def has_ended(self) -> bool:
        """Whether something has ended it."""
        return not self.thread.is_alive()

    def wait_problem(self, problem: str | None) -> None:
        """Wait until what keeps it from its work begins like this; None: nothing does."""

        def holds(seen: str | None) -> bool:
            return seen is None if problem is None else (seen or "").startswith(problem)

        until(self.state.problem, holds=holds, what=f"problem {problem!r}")

    def _run(self) -> None:
        with suppress(SystemExit):
            self._consumer.run()


@contextmanager
def consumer_thread(servers: Servers, hand: RecordingHandler) -> Iterator[ConsumerThread]:
    """Run a consumer while the test looks on."""
    client = servers.redis()
    process = ConsumerThread(client, hand)
    try:
        yield process
    finally:
        process.state.stop.set()
        process.thread.join(10)
        client.close()
    assert process.has_ended()


def bus_of(client: redis.Redis) -> RedisBus:
    """The bus as the consumer's group sees it."""
    return RedisBus(client, group=GROUP, consumer=GROUP, clock=WallClock())


def number(item: Received) -> int:
    """By what a test knows a message."""
    assert isinstance(item.message, Signal | MarketData)
    return item.message.trade_id


def send(client: redis.Redis, *numbers: int) -> list[str]:
    """Publish signals and return their entry ids."""
    return bus_of(client).publish(Outgoing(SIGNALS, a_signal(trade_id=each)) for each in numbers)


def letters(client: redis.Redis) -> list[DeadLetter]:
    """All dead letters, oldest first."""
    rows: Any = client.xrange(DEAD_LETTERS)
    return [letter for _, row in rows if isinstance(letter := decode(DEAD_LETTERS, row[b"data"]), DeadLetter)]


def in_hand(client: redis.Redis) -> int:
    """How many signals the group has read and not acknowledged."""
    summary: Any = client.xpending(SIGNALS, GROUP)
    return int(summary["pending"])


def left(client: redis.Redis, stream: str = SIGNALS) -> int:
    """How many entries the stream has."""
    return int(client.xlen(stream))


def read_as(client: redis.Redis, group: str, consumer: str) -> list[str]:
    """Read all new signals as some other consumer and return their entry ids."""
    found: Any = client.xreadgroup(group, consumer, {SIGNALS: ">"})
    return [entry_id.decode() for _, rows in found for entry_id, _ in rows]


def make_idle(client: redis.Redis, consumer: str, entries: Sequence[str]) -> None:
    """Have Redis believe that *consumer* has had these for a minute."""
    client.xclaim(SIGNALS, GROUP, consumer, 0, list(entries), idle=60_000, justid=True)


def read_by_group(client: redis.Redis) -> int:
    """How many signals the group has read so far."""
    rows: Any = client.xinfo_groups(SIGNALS)
    return int(next(row["entries-read"] for row in rows if row["name"] == GROUP.encode()))


class FlushedWhileLookedAt(redis.Redis):
    """A Redis that somebody flushes between two questions about its groups."""

    def xinfo_groups(self, name: Any) -> Any:
        """Answer, and be empty from then on."""
        found = super().xinfo_groups(name)
        self.flushall()
        return found


@contextmanager
def out_of_memory(client: redis.Redis) -> Iterator[None]:
    """Have Redis refuse whatever needs memory."""
    limit: Any = client.config_get("maxmemory")
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", limit["maxmemory"])


@contextmanager
def disk_error(client: redis.Redis) -> Iterator[None]:
    """Have Redis refuse all writes, and PING, because a snapshot failed: its file's name is a directory's."""
    place: Any = client.config_get("dir", "dbfilename")
    snapshot = Path(place["dir"], place["dbfilename"])
    snapshot.mkdir()
    client.config_set("save", "3600 1")
    try:
        client.bgsave()
        until(lambda: last_snapshot(client), holds=lambda seen: seen == (0, "err"), what="a snapshot that failed")
        yield
    finally:
        client.config_set("save", "")
        snapshot.rmdir()
        client.bgsave()
        until(lambda: last_snapshot(client), holds=lambda seen: seen == (0, "ok"), what="a snapshot that worked")
        snapshot.unlink()


def last_snapshot(client: redis.Redis) -> tuple[int, str]:
    """Whether (1 or 0) a snapshot is being written, and what became of the last one."""
    state: Any = client.info("persistence")
    return int(state["rdb_bgsave_in_progress"]), str(state["rdb_last_bgsave_status"])
