"""A ground that fails where the adversary says: crashes, hangs, lost requests and replies, servers away for a while."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final, TypeVar

import psycopg2
import psycopg2.extensions

from services.bus.entries import DeadEntry, Entry, Key, Outgoing
from services.bus.memory import MemoryBus
from services.bus.port import Bus
from services.clock import MOST_AHEAD_NS, NANOSECONDS, Clock, EventClock
from services.engine.ground import Ground
from services.errors import BUS, Server, ServerAway
from services.ledger.connection import Arguments, Cursor, Ledger, LedgerAddress, connect
from services.runtime.loop_state import LoopState
from services.topology import WS, Service
from tests.simulation.adversary import Adversary
from tests.simulation.copies import Connection, Connections, Copy, Crash, current
from tests.simulation.streams import FailingStreams
from tests.support.waiting import until

CRASH: Final = "crash"
HANG: Final = "hangs for a while"
CUT: Final = "hangs, and no server reaches it"
LOST: Final = "lost"
AWAY: Final = "away for a while"
_LEDGER: Final = "PostgreSQL"
LONGEST_AWAY_S: Final = 20.0
LONGEST_HANG_S: Final = 30.0
_NEVER_S: Final = 86_400.0
"""Time is the simulation's: it says itself when a silent writer loses its session."""
CUT_OFF_S: Final = 9.0
"""After so long PostgreSQL ends the session of a client whose machine does not answer (ledger/connection.py)."""
MOST_LONG: Final = 20
"""So many hangs and outages a run has at most: while one lasts there is time for the next, so it might never end."""
MOST_CRASHES: Final = 2
"""So often a service dies in succession: what ends it three times alone becomes a dead letter, and rightly so."""

T = TypeVar("T")


class FailingGround(Ground):
    """Time passes only where it is said to. *lockstep*: events' own time; else each service has a clock to be set."""

    def __init__(self, address: LedgerAddress, adversary: Adversary, *, lockstep: bool, begin_ns: int) -> None:
        super().__init__(address)
        self.lockstep = lockstep
        self.adversary = adversary
        self.now_s = 0.0
        self.failing_streams = FailingStreams(now_ms=lambda: (begin_ns + int(self.now_s * NANOSECONDS)) // 1_000_000)
        self.streams = self.failing_streams
        self.connections = Connections(self.monotonic, lambda: self.failing_streams.keys)
        self.copies: list[Copy] = []
        self.crashes: dict[Service, int] = {}
        self.clock_error_ns = 0
        self._begin_ns = begin_ns
        self._away_until = {BUS: 0.0, _LEDGER: 0.0}
        self._long = 0
        self._ledgers: dict[Copy, _FailingLedger] = {}
        self._left: dict[Service, _FailingLedger] = {}
        self.refused = ""
        """What PostgreSQL itself has said last, not the adversary: a run that does not settle may be its fault."""
        self.dropped: list[psycopg2.extensions.connection] = []
        """As good as new: to make one takes the server longer than most of what is then asked."""

    @property
    def now_ns(self) -> int:
        """What the clocks of the services say, wrong or right."""
        return self._begin_ns + int(self.now_s * NANOSECONDS) + self.clock_error_ns

    def bus(self, service: Service, clock: Clock) -> Bus:
        return _FailingBus(self, service, clock)

    def ledger(self, service: Service) -> Ledger:
        """The connection that the last process of *service* has left: a new one takes longer, and shows nothing more.

        If another process still runs, this one gets a new connection. If that one has not used its own yet, it is
        closed: a process that has asked nothing is not the writer.
        """
        copy = current()
        assert copy is not None
        for other in self.copies_of(service):
            if (unused := self._ledgers.get(other)) is not None and not unused.is_used:
                unused.close()
        ledger = self._left.pop(service, None) or _FailingLedger(self, self._address, service)
        ledger.is_used = False
        self._ledgers[copy] = ledger
        return ledger

    def clock(self) -> Clock:
        return EventClock() if self.lockstep else _SetClock(self)

    def loop_state(self) -> LoopState:
        return _TimedState(self)

    def monotonic(self) -> float:
        return self.now_s

    def copies_of(self, service: Service) -> list[Copy]:
        """The processes of *service* that are there."""
        return [copy for copy in self.copies if copy.service == service]

    def hanging(self) -> list[Copy]:
        """The processes that hang."""
        return [copy for copy in self.copies if copy.hangs_since_s is not None]

    def is_waiting(self) -> bool:
        """Whether a process hangs or a server is away."""
        return any(self.now_s < until_s for until_s in self._away_until.values()) or bool(self.hanging())

    def ended(self, copy: Copy) -> None:
        """Have the servers see that *copy* is no longer there."""
        self.copies.remove(copy)
        self.connections.close_of(copy)
        if (ledger := self._ledgers.pop(copy, None)) is None:
            return
        if self.copies_of(copy.service):
            ledger.close()
        else:
            self._left[copy.service] = ledger

    def cut_off(self, copy: Copy) -> None:
        """Have PostgreSQL end the session of *copy*, which notices when it asks for something."""
        if (ledger := self._ledgers.get(copy)) is not None:
            ledger.end_session()

    def close(self) -> None:
        """Drop the connections to the ledger."""
        for ledger in (*self._ledgers.values(), *self._left.values()):
            ledger.close()
        for connection in self.dropped:
            connection.close()

    def reach(self, server: Server) -> None:
        """Raise ServerAway if *server* is away."""
        if self.now_s < self._away_until[server]:
            raise ServerAway(server, "it is away")

    def strike(self, where: str, server: Server) -> None:
        """Let the process that works now die or hang here, or *server* be away, if the adversary says so."""
        copy = current()
        may_end = copy is not None and self.crashes.get(copy.service, 0) < MOST_CRASHES
        name = copy.service.name if copy is not None else WS.name
        kinds = [*[LOST] * 3, *([CRASH, CRASH] if may_end else [])]
        if self._long < MOST_LONG:
            kinds += [AWAY, *([HANG, CUT] if may_end and not self.hanging() else [])]
        kind = self.adversary.chooses(f"{name} {where}", kinds)
        self._long += kind in {HANG, CUT, AWAY}
        if copy is not None and kind in {CRASH, HANG, CUT}:
            self.crashes[copy.service] = self.crashes.get(copy.service, 0) + 1
            if kind == CRASH:
                raise Crash(where)
            seconds = self.adversary.random.uniform(0.1, LONGEST_HANG_S)
            copy.hang(self.now_s, self.now_s + seconds, is_cut_off=kind == CUT)
        if kind == AWAY:
            self._away_until[server] = self.now_s + self.adversary.random.uniform(0.1, LONGEST_AWAY_S)
            self._end_connections(server)
        if kind in {LOST, AWAY}:
            raise ServerAway(server, where)

    def turned(self) -> None:
        """Take notice that the process that works now has outlived a turn."""
        if (copy := current()) is not None:
            self.crashes[copy.service] = 0

    def pause(self, seconds: float) -> bool:
        """Let the process that works now rest; whether it is to end then. Nobody works while cdb_ws waits."""
        copy = current()
        if copy is None:
            self.now_s += seconds
            return False
        copy.rest(self.now_s + seconds)
        return copy.is_stopping

    def _end_connections(self, server: Server) -> None:
        """Have *server* lose all its connections, as when it ends; who could not notice keeps his to the ledger."""
        if server == BUS:
            self.connections.living.clear()
        for copy, ledger in self._ledgers.items() if server == _LEDGER else ():
            if copy.hangs_since_s is not None or len(self.copies_of(copy.service)) > 1:
                ledger.end_session()


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


class _Stop(threading.Event):
    """Is asked between turns, and waited for while a server is away: meanwhile others work."""

    def __init__(self, ground: FailingGround) -> None:
        super().__init__()
        self._ground = ground

    def is_set(self) -> bool:
        self._ground.turned()
        return self._ground.pause(0)

    def wait(self, timeout: float | None = None) -> bool:
        return self._ground.pause(timeout or 0)


class _TimedState(LoopState):
    def __init__(self, ground: FailingGround) -> None:
        super().__init__()
        self.stop = _Stop(ground)

    def turned(self) -> None:
        """Nobody asks."""

    def waits_for(self, away: ServerAway) -> None:
        """Nobody asks."""


class _FailingLedger(Ledger):
    """Each statement or transaction may be lost before it is done, or its reply after it."""

    def __init__(self, ground: FailingGround, address: LedgerAddress, service: Service) -> None:
        super().__init__(address, application=service.name, writer_role=service.name, flushes=False, silent_s=_NEVER_S)
        self._ground = ground
        self._service = service
        self.is_used = False
        """Whether the process that has it now has asked it something."""

    def prepare(self, *statements: str) -> None:
        if not self._prepared:
            super().prepare(*statements)

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        self._doing("transaction", lambda: None)
        with super().transaction() as cursor:
            yield cursor
            self._doing("commit", lambda: None)
        self._doing("committed", lambda: None)

    def execute(self, statement: str, arguments: Arguments = ()) -> list[tuple[Any, ...]]:
        plain = super().execute
        return self._doing(" ".join(statement.split()[:2]), lambda: plain(statement, arguments))

    def end_session(self) -> None:
        """Have the server end the connection."""
        if self._connection is not None and not self._connection.closed:
            session = (self._connection.get_backend_pid(),)
            with closing(connect(self._address)) as other, other.cursor() as cursor:
                other.autocommit = True
                cursor.execute("SELECT pg_terminate_backend(%s)", session)
                # The server's own waiting looks only every tenth of a second.
                until(lambda: _has_ended(cursor, session), within_s=5, every_s=0.001, what="the end of a session")

    def _doing(self, what: str, action: Callable[[], T]) -> T:
        self.is_used = True
        try:
            self._ground.reach(_LEDGER)
            self._ground.strike(f"before {what}", _LEDGER)
            self._ground.reach(_LEDGER)
            result = action()
            self._ground.strike(f"after {what}", _LEDGER)
        except ServerAway as away:
            if away.__cause__ is not None:
                self._ground.refused = str(away)
            if len(self._ground.copies_of(self._service)) > 1:
                self.close()  # so another may write; if there is none, that would show nothing
            raise
        return result

    def _open(self) -> psycopg2.extensions.connection:
        return self._ground.dropped.pop() if self._ground.dropped else super()._open()

    def _drop(self, connection: psycopg2.extensions.connection) -> None:
        """Have the server forget all about it at once: it would take its time, and chance would decide."""
        if not connection.closed:
            connection.rollback()
            connection.autocommit = True
            connection.cursor().execute("DISCARD ALL")
            connection.autocommit = False
            self._ground.dropped.append(connection)

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
        copy = current()
        self._connection = Connection(ground.connections, copy) if copy is not None else None

    def _doing(self, what: str, action: Callable[[], T]) -> T:
        try:
            self._reach()
            self._ground.strike(f"before {what}", BUS)
            self._reach()
            result = action()
            self._ground.strike(f"after {what}", BUS)
        except ServerAway:
            if self._connection is not None:
                self._connection.close()
            raise
        return result

    def _reach(self) -> None:
        self._ground.reach(BUS)
        if self._connection is not None:
            self._connection.use()

    def make_groups(self, streams: Iterable[str]) -> None:
        plain = super().make_groups
        self._doing("groups", lambda: plain(streams))

    def newest_finished(self, stream: str, *, count: int) -> list[Entry]:
        plain = super().newest_finished
        return self._doing("newest finished", lambda: plain(stream, count=count))

    def forget_trial(self, entry: Entry) -> None:
        plain = super().forget_trial
        self._doing("end of a trial", lambda: plain(entry))

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

    def trials(self, entry: Entry) -> int:
        plain = super().trials
        return self._doing("earlier trials", lambda: plain(entry))

    def note_trial(self, entry: Entry, number: int) -> None:
        plain = super().note_trial
        self._doing("trial", lambda: plain(entry, number))

    def deliveries(self, stream: str, *, count: int) -> dict[str, int]:
        plain = super().deliveries
        return self._doing("deliveries", lambda: plain(stream, count=count))

    def trim_acknowledged(self, stream: str) -> int:
        plain = super().trim_acknowledged
        return self._doing("trim", lambda: plain(stream))

    def remove(self, key: Key) -> None:
        plain = super().remove
        self._doing("remove", lambda: plain(key))


def _has_ended(cursor: Cursor, session: tuple[int]) -> bool:
    cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", session)
    return not cursor.rowcount
