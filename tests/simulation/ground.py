"""A ground that fails where the adversary says: crashes, lost requests and replies, servers away for a while."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg2.extensions

from services.bus.entries import DeadEntry, Entry, Key, Outgoing
from services.bus.memory import Group, MemoryBus, Streams
from services.bus.port import Bus
from services.clock import MOST_AHEAD_NS, NANOSECONDS, Clock, EventClock
from services.engine.ground import Ground
from services.errors import BUS, ServerAway
from services.ledger.connection import Arguments, Cursor, Ledger, LedgerAddress
from services.runtime.loop_state import LoopState
from services.topology import WS, Service
from tests.simulation.adversary import Adversary

CRASH: Final = "crash"
LOST: Final = "lost"
AWAY: Final = "away for a while"
_LEDGER: Final = "PostgreSQL"
LONGEST_AWAY_S: Final = 20.0
LONGEST_WAIT_S: Final = 120.0
MOST_CRASHES: Final = 2
"""So often a service dies in succession: what ends it three times alone becomes a dead letter, and rightly so."""

T = TypeVar("T")


class Crash(BaseException):
    """The process of a service ends here, as by kill -9."""


class FailingStreams(Streams):
    """Streams that can lose what is on them."""

    def flush(self) -> None:
        """Lose everything, as a Redis that was emptied; numbers go on, so no id is given twice."""
        for stream in self._streams.values():
            stream.drop_before(stream.end)
            stream.groups.clear()
        self.trials.clear()

    def copy(self) -> "FailingStreams":
        """What is on the streams now, for `go_back_to`."""
        made = FailingStreams()
        made.trials = dict(self.trials)
        for name, stream in self._streams.items():
            copied = made.stream(name)
            copied.first, copied.entries = stream.first, list(stream.entries)
            copied.groups = {key: Group(one.upcoming, dict(one.pending)) for key, one in stream.groups.items()}
        return made

    def go_back_to(self, earlier: "FailingStreams") -> None:
        """Lose what has happened since the copy *earlier* was made, as a Redis that died before it wrote its log."""
        for name, stream in self._streams.items():
            before = earlier.stream(name)
            lost = stream.end - before.end
            stream.first, stream.groups = before.first, before.groups
            stream.entries = [*before.entries, *[None] * lost]
        self.trials = earlier.trials


class FailingGround(Ground):
    """Time passes only where it is said to. *lockstep*: events' own time; else each service has a clock to be set."""

    def __init__(self, address: LedgerAddress, adversary: Adversary, *, lockstep: bool, begin_ns: int) -> None:
        super().__init__(address)
        self.lockstep = lockstep
        self.adversary = adversary
        self.now_s = 0.0
        self.waited_s = 0.0
        self.failing_streams = FailingStreams(now_ms=lambda: (begin_ns + int(self.now_s * NANOSECONDS)) // 1_000_000)
        self.streams = self.failing_streams
        self.crashes: dict[str, int] = {}
        self.clock_error_ns = 0
        self._begin_ns = begin_ns
        self._away_until = {BUS: 0.0, _LEDGER: 0.0}
        self._ledgers: dict[Service, _FailingLedger] = {}

    @property
    def now_ns(self) -> int:
        """What the clocks of the services say, wrong or right."""
        return self._begin_ns + int(self.now_s * NANOSECONDS) + self.clock_error_ns

    def bus(self, service: Service, clock: Clock) -> Bus:
        return _FailingBus(self, service, clock)

    def ledger(self, service: Service) -> Ledger:
        """The connection of *service*, which outlives its crashes: a new one takes longer and shows nothing more."""
        if service not in self._ledgers:
            self._ledgers[service] = _FailingLedger(self, self._address, service)
        return self._ledgers[service]

    def clock(self) -> Clock:
        return EventClock() if self.lockstep else _SetClock(self)

    def loop_state(self) -> LoopState:
        return _TimedState(self)

    def monotonic(self) -> float:
        return self.now_s

    def close(self) -> None:
        """Drop the connections to the ledger."""
        for ledger in self._ledgers.values():
            ledger.close()

    def doing(self, service: Service, what: str, server: str, action: Callable[[], T]) -> T:
        """Do *action*, or let the service die or the server be away before or after it."""
        self._fail(f"{service.name} before {what}", server)
        result = action()
        self._fail(f"{service.name} after {what}", server)
        return result

    def _fail(self, where: str, server: str) -> None:
        if self.now_s < self._away_until[server]:
            raise ServerAway(server, "it is away")  # type: ignore[arg-type]  # one of two
        name = where.partition(" ")[0]
        may_crash = name != WS.name and self.crashes.get(name, 0) < MOST_CRASHES
        kind = self.adversary.chooses(where, (*((CRASH,) if may_crash else ()), LOST, AWAY))
        if kind == CRASH:
            self.crashes[name] = self.crashes.get(name, 0) + 1
            raise Crash(where)
        if kind == AWAY:
            self._away_until[server] = self.now_s + self.adversary.random.uniform(0.1, LONGEST_AWAY_S)
        if kind in {LOST, AWAY}:
            raise ServerAway(server, where)  # type: ignore[arg-type]


class _SetClock:
    """A machine's clock that somebody may set."""

    def __init__(self, ground: FailingGround) -> None:
        self._ground = ground

    def now_ns(self) -> int:
        return self._ground.now_ns

    def advance(self, ts_event: int) -> None:
        """Ignore the event's time."""

    def is_ahead(self, ts_event: int, *, seen_ns: int | None = None) -> bool:
        return ts_event > (self._ground.now_ns if seen_ns is None else seen_ns) + MOST_AHEAD_NS


class _Pause(threading.Event):
    """Never set; to wait for it takes only the simulation's time."""

    def __init__(self, ground: FailingGround) -> None:
        super().__init__()
        self._ground = ground

    def wait(self, timeout: float | None = None) -> bool:
        self._ground.now_s += timeout or 0.0
        self._ground.waited_s += timeout or 0.0
        if self._ground.waited_s > LONGEST_WAIT_S:  # for what another service does, which gets no turn meanwhile
            raise Crash("somebody ends a service that waits")
        return False


class _TimedState(LoopState):
    def __init__(self, ground: FailingGround) -> None:
        super().__init__()
        self.stop = _Pause(ground)

    def turned(self) -> None:
        """Nobody asks."""

    def waits_for(self, away: ServerAway) -> None:
        """Nobody asks."""


class _FailingLedger(Ledger):
    """Each statement or transaction may be lost before it is done, or its reply after it."""

    def __init__(self, ground: FailingGround, address: LedgerAddress, service: Service) -> None:
        super().__init__(address, application=service.name, writer_role=service.name, flushes=False)
        self._ground = ground
        self._service = service

    def prepare(self, *statements: str) -> None:
        if not self._prepared:
            super().prepare(*statements)

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        self._ground.doing(self._service, "transaction", _LEDGER, lambda: None)
        with super().transaction() as cursor:
            yield cursor
            self._ground.doing(self._service, "commit", _LEDGER, lambda: None)
        self._ground.doing(self._service, "committed", _LEDGER, lambda: None)

    def execute(self, statement: str, arguments: Arguments = ()) -> list[tuple[Any, ...]]:
        plain = super().execute
        what = " ".join(statement.split()[:2])
        return self._ground.doing(self._service, what, _LEDGER, lambda: plain(statement, arguments))

    def _connected(self) -> psycopg2.extensions.connection:
        connection = super()._connected()
        if connection.get_transaction_status() != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
            connection.rollback()  # what a crash left open
        return connection


class _FailingBus(MemoryBus):
    """Each call may be lost before it is done, or its reply after it."""

    def __init__(self, ground: FailingGround, service: Service, clock: Clock) -> None:
        super().__init__(ground.streams, group=service.name, clock=clock, monotonic=ground.monotonic)
        self._ground = ground
        self._service = service

    def _doing(self, what: str, action: Callable[[], T]) -> T:
        return self._ground.doing(self._service, what, BUS, action)

    def publish(self, messages: Iterable[Outgoing]) -> list[str]:
        return self._doing("publish", lambda: super(_FailingBus, self).publish(messages))

    def read(
        self,
        streams: Sequence[str],
        *,
        count: int,
        block_ms: int | None = None,
        after: str = ">",
        done: Iterable[Entry] = (),
    ) -> list[Entry]:
        plain = super().read
        return self._doing("read", lambda: plain(streams, count=count, block_ms=block_ms, after=after, done=done))

    def claim(self, stream: str, *, idle_ms: int, count: int) -> list[Entry]:
        plain = super().claim
        return self._doing("claim", lambda: plain(stream, idle_ms=idle_ms, count=count))

    def commit(self, done: Iterable[Entry], outgoing: Iterable[Outgoing], dead: Iterable[DeadEntry]) -> None:
        plain = super().commit
        self._doing("publish and acknowledge", lambda: plain(done, outgoing, dead))

    def note_trial(self, entry: Entry) -> int:
        plain = super().note_trial
        return self._doing("trial", lambda: plain(entry))

    def deliveries(self, stream: str, *, count: int) -> dict[str, int]:
        plain = super().deliveries
        return self._doing("deliveries", lambda: plain(stream, count=count))

    def trim_acknowledged(self, stream: str) -> int:
        plain = super().trim_acknowledged
        return self._doing("trim", lambda: plain(stream))

    def remove(self, key: Key) -> None:
        plain = super().remove
        self._doing("remove", lambda: plain(key))
