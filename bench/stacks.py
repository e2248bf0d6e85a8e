"""Stacks for benchmarks: the same four programs, on servers, a ledger and ports of their own.

A Lab keeps the servers' data in a temporary directory. Each run starts the parts it needs with its own settings on an
empty bus and a new ledger, and leaves nothing running.
"""

import json
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil
import psycopg2.extensions

from cdb.running.native import Stack, StackConfig, StackError, select
from services import topology
from services.bus.client import connect
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.topology import DEAD_LETTERS
from tests.support.ledger import connect_ledger

ROOT: Final = Path(__file__).resolve().parents[1]
SERVERS: Final = ("redis", "postgres")
SERVICES: Final = topology.NAMES
MB: Final = 1_000_000
_FIRST_PARTS: Final = (*SERVERS, "migrate")


@dataclass(frozen=True)
class Memory:
    """Resident memory of one service at the end of one run, in MB (10^6 bytes)."""

    service: str
    run: str
    megabytes: float


@dataclass(frozen=True)
class Backlog:
    """How far a group is behind the newest entry of a stream: in seconds, and in entries not acknowledged."""

    seconds: float
    entries: int


class Bot:
    """A running stack: its HTTP answers, its bus, its ledger, its processes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.redis: Any = connect(
            host="127.0.0.1",
            port=stack.config.ports.redis,
            password=stack.config.environment["REDIS_PASSWORD"],
            timeout_s=20,
        )
        self.bus = RedisBus(self.redis, group="bench", consumer="bench", clock=WallClock())

    def at_work(self, service: str) -> str:
        """The part that works as *service*: itself, or its second copy if there is one and it has taken over."""
        standby = f"{service}_standby"
        if standby not in {part.name for part in self.stack.config.parts}:
            return service
        with suppress(StackError):
            if json.loads(self._ask(standby, "/health"))["status"] != "standby":
                return standby
        return service

    def ask(self, service: str, path: str, *, post: bool = False) -> str:
        """Body of an answer of whoever works as *service*; raises StackError if there is none."""
        return self._ask(self.at_work(service), path, post=post)

    def _ask(self, part: str, path: str, *, post: bool = False) -> str:
        url = f"http://127.0.0.1:{self.stack.config.ports.of(part)}{path}"
        request = urllib.request.Request(url, method="POST" if post else "GET")
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310  loopback
                return str(reply.read().decode())
        except (urllib.error.URLError, OSError) as error:
            raise StackError(f"{part} does not answer {path}: {error}") from error

    def feed(self) -> dict[str, Any]:
        """Answer of cdb_ws to GET /feed."""
        answer: dict[str, Any] = json.loads(self.ask("cdb_ws", "/feed"))
        return answer

    def counter(self, service: str, name: str) -> float:
        """Sum of a metric's samples on /metrics."""
        lines = self.ask(service, "/metrics").splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def query(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of *statement* from the ledger; [] if it gives none."""
        with closing(self.connection()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def connection(self) -> psycopg2.extensions.connection:
        """New connection that commits each statement; the caller closes it."""
        connection = connect_ledger(self.stack.config)
        connection.autocommit = True
        return connection

    def backlog(self, stream: str, group: str) -> Backlog:
        """How far *group* is behind on *stream*. Entries that it has read but not acknowledged count as not done."""
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.xinfo_stream(stream)
        pipeline.xinfo_groups(stream)
        pipeline.xpending(stream, group)
        info, groups, pending = pipeline.execute()
        row = {row["name"]: row for row in groups}[group.encode()]
        newest, read_until = info["last-generated-id"], row["last-delivered-id"]
        if not pending["pending"] and read_until == newest:
            return Backlog(0.0, 0)
        first = info["first-entry"]  # the oldest entry left, if the stream was trimmed past the group
        done_until = max(pending["min"] or read_until, first[0] if first else newest, key=_milliseconds)
        entries = (row.get("lag") or 0) + pending["pending"]
        return Backlog((_milliseconds(newest) - _milliseconds(done_until)) / 1000, entries)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each part with its children, and of this process as `bench`."""
        used = {"bench": _own_cpu(psutil.Process())}
        for name in (part.name for part in self.stack.config.parts):
            pid = self.stack.pid_of(name)
            if pid is None:
                continue
            process = psutil.Process(pid)
            times = process.cpu_times()
            own = times.user + times.system + times.children_user + times.children_system
            used[name] = own + sum(_own_cpu(child) for child in process.children(recursive=True))
        return used

    def megabytes(self) -> dict[str, float]:
        """Resident memory of each running service in MB."""
        found = {}
        for service in (part.name for part in self.stack.config.parts if part.name in SERVICES):
            pid = self.stack.pid_of(service)
            if pid is not None:
                with suppress(psutil.Error):
                    found[service] = psutil.Process(pid).memory_info().rss / MB
        return found

    def close(self) -> None:
        self.redis.close()


@dataclass
class Lab:
    """One PostgreSQL cluster and one Redis for many runs. *extra*: settings for every run."""

    extra: Mapping[str, str] = field(default_factory=dict)
    memory: list[Memory] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __enter__(self) -> Self:
        state = Path(tempfile.mkdtemp(prefix="cdb-bench-"))
        self._config = StackConfig.isolated(ROOT, state, parts=select(SERVERS), environment=self.extra)
        try:
            with self._running(self._config) as bot:
                # ALTER SYSTEM takes effect at the next start of this cluster.
                for setting in ("track_commit_timestamp", "track_wal_io_timing"):
                    bot.query(f"ALTER SYSTEM SET {setting} = on")
        except BaseException:
            Stack(self._config).remove()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        Stack(self._config).remove()

    @contextmanager
    def run(self, name: str, services: Sequence[str], settings: Mapping[str, str]) -> Iterator[Bot]:
        """Run *services* with *settings* on an empty bus and a new ledger; records their memory at the end."""
        environment = {
            **self._config.environment,
            **settings,
            **self.extra,
            "POSTGRES_DB": f"run_{next(self._numbers)}",
        }
        config = replace(self._config, parts=select((*_FIRST_PARTS, *services)), environment=environment)
        with self._running(config) as bot:
            if bot.query("SHOW track_commit_timestamp") != [("on",)]:
                raise StackError("PostgreSQL keeps no commit times: the cluster's settings were not taken over")
            try:
                yield bot
                if put_aside := bot.redis.xlen(DEAD_LETTERS):
                    raise StackError(f"{name}: {put_aside} messages were put aside, so its figures do not hold")
                self.memory += [Memory(service, name, size) for service, size in bot.megabytes().items()]
            finally:
                for service in services:
                    bot.stack.stop_part(service)
                bot.redis.flushall()

    @staticmethod
    @contextmanager
    def _running(config: StackConfig) -> Iterator[Bot]:
        with Stack(config) as stack:
            bot = Bot(stack)
            try:
                yield bot
            finally:
                bot.close()


def wait_until(condition: Callable[[], object], *, within_s: float, what: str, every_s: float = 0.1) -> None:
    """Wait until *condition* is true; raises StackError with *what* after *within_s* seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(f"{what}: not within {within_s:g} s")
        time.sleep(every_s)


def _milliseconds(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _own_cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
