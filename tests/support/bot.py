"""A whole bot of its own for a test: its stack, its HTTP answers, its bus, its ledger."""

import json
import os
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg2.extensions
import redis

from cdb.running.native import TRADING, Stack, StackConfig, select
from cdb.running.native.shell import OWN_SERVERS
from services import topology
from services.bus.client import connect
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.errors import ServerAway
from tests.support.http import ask
from tests.support.ledger import connect_ledger
from tests.support.paths import ROOT
from tests.support.programs import require_parts
from tests.support.waiting import until

INSTANCES: Final = {service.name: service.instance for service in topology.SERVICES}
"""The label `instance` of each service; it does not depend on the port."""
SERVICES: Final = tuple(INSTANCES)
GROUPS: Final = topology.READERS
TEST_ENDPOINTS: Final = (
    ("cdb_risk", "/test/trigger-drawdown"),
    ("cdb_risk", "/test/slow-decisions?delay_ms=1&seconds=1"),
    ("cdb_risk", "/test/reset"),
    ("cdb_ws", "/test/scenario?kind=garbage&count=1"),
    ("cdb_core", "/test/errors?count=1"),
    ("cdb_execution", "/test/errors?count=1"),
)
"""Every endpoint that CDB_TEST_ENDPOINTS switches on, with valid parameters."""
LIVELY: Final = {
    "SIMULATOR_TRADES_PER_SECOND": "75",
    "SIMULATOR_PACE": "10",
    "MOMENTUM_LOOKBACK_S": "0.5",
    "MOMENTUM_COOLDOWN_S": "0.2",
    "MAX_ORDERS_PER_MINUTE": "10000",
}
"""Prices move ten times as fast as by default. Several signals a second mean that a fault always interrupts work."""


class Bot:
    """One running bot."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def url(self, service: str, path: str) -> str:
        """Address of *path* at *service*."""
        return f"http://127.0.0.1:{self.stack.config.ports.of(service)}{path}"

    def ask(self, service: str, path: str, *, post: bool = False) -> tuple[int, Any]:
        """Status and body of an answer; status 0 if nobody answers.

        One on standby is not asked, but the copy that works.
        """
        return ask(self.stack.config.ports.of(self.at_work(service)), path, post=b"" if post else None)

    def at_work(self, service: str) -> str:
        """The part that works as *service*: itself, or its second copy if there is one that has taken over."""
        standby = f"{service}_standby"
        is_there = standby in {part.name for part in self.stack.config.parts}
        return standby if is_there and self.state(standby) == "ok" else service

    def state(self, part: str) -> str:
        """What *part* says of itself at /health: ok, standby or error; empty if it does not answer."""
        _, body = ask(self.stack.config.ports.of(part), "/health")
        return str(body["status"]) if isinstance(body, dict) else ""

    def health(self) -> dict[str, int]:
        """Status of every service's /health; 0 where nobody answers."""
        return {service: self.ask(service, "/health")[0] for service in SERVICES}

    def metric(self, service: str, name: str, **labels: str) -> float:
        """Sum of the samples on /metrics that carry *labels*."""
        _, text = self.ask(service, "/metrics")
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(want in line for want in wanted))

    def prometheus(self, path: str, **parameters: str) -> Any:
        """Data of Prometheus' answer to GET /api/v1/*path*; fails unless it succeeds."""
        status, answer = self.ask("prometheus", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        assert status == 200 and answer["status"] == "success", answer  # noqa: PT018  both are one thing
        return answer["data"]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(self.connection()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Lock the rows of *table*: whoever changes them waits until the block ends."""
        with closing(self.connection()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} FOR UPDATE")  # noqa: S608  constants of the tests
            yield

    def connection(self) -> psycopg2.extensions.connection:
        """New connection to the ledger; the caller closes it."""
        return connect_ledger(self.stack.config)

    def count(self, table: str, where: str = "true") -> int:
        return int(self.query(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])  # noqa: S608  constants of the tests

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        client = connect(
            host="127.0.0.1",
            port=self.stack.config.ports.redis,
            password=self.stack.config.environment["REDIS_PASSWORD"],
        )
        try:
            yield client
        finally:
            client.close()

    def put(self, stream: str, **fields: Any) -> str:
        """Append an entry that no service wrote; returns its id."""
        with self.redis() as client:
            entry_id: Any = client.xadd(stream, dict(fields.items()))
        return str(entry_id.decode())

    def dead_letters(self) -> list[dict[str, Any]]:
        """All dead letters, oldest first."""
        with self.redis() as client:
            rows: Any = client.xrange("dead_letters")
        return [json.loads(fields[b"data"]) for _, fields in rows]

    def kill(self, part: str) -> None:
        """Kill a part with SIGKILL and wait for its new process; a server must answer again, too."""
        old = self.stack.pid_of(part)
        assert old is not None, f"{part} does not run"
        os.kill(old, signal.SIGKILL)
        until(lambda: self.stack.pid_of(part), holds=lambda now: now not in {None, old}, what=f"a new {part}")
        if part not in SERVICES:
            until(lambda: next(seen for seen in self.stack.status() if seen.name == part).ready, what=f"{part} ready")

    def wait_healthy(self, within_s: float = 30.0) -> None:
        until(
            self.health, holds=lambda seen: set(seen.values()) == {200}, within_s=within_s, what="all services healthy"
        )

    def wait_trading(self, within_s: float = 30.0) -> None:
        """Wait for a new fill."""
        fills = self.count("fills")
        until(lambda: self.count("fills"), holds=lambda now: now > fills, within_s=within_s, what="a new fill")

    def quiesce(self, within_s: float = 45.0) -> None:
        """Stop the market, and wait until nothing is unread and every order has its final state."""
        until(lambda: self.ask("cdb_ws", "/test/scenario?kind=stall&seconds=600", post=True)[0] == 200)
        self.settle(within_s)

    def settle(self, within_s: float = 45.0) -> None:
        """Wait until nothing is unread and every order has its final state; the market must be still."""
        until(self._settled, within_s=within_s, what="a settled bus")
        until(
            lambda: self.query("SELECT order_id FROM orders WHERE state = 'placed'"),
            holds=lambda placed: not placed,
            within_s=within_s,
            what="no order without a final state",
        )
        until(self._settled, within_s=within_s, what="a settled bus")

    def go_on(self) -> None:
        """Start the market again."""
        until(lambda: self.ask("cdb_ws", "/test/scenario?kind=stall&seconds=0.1", post=True)[0] == 200)

    def cdb(self, *arguments: str, within_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run `cdb` on this bot."""
        return subprocess.run(
            [sys.executable, "-m", "cdb", *arguments],
            env=self.operators_environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def operators_environment(self) -> dict[str, str]:
        """Environment in which `cdb` finds this bot."""
        told = self.stack.config.process_environment()
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **{name: value for name, value in told.items() if name not in OWN_SERVERS},
            "CDB_STATE_DIR": str(self.stack.config.state_dir),
        }

    def audit(self) -> None:
        """Run `cdb audit`; fails with its output if a rule is broken."""
        result = self.cdb("audit")
        assert result.returncode == 0, result.stdout + result.stderr

    def _settled(self) -> bool:
        with self.redis() as client:
            try:
                return RedisBus(client, group="test", consumer="test", clock=WallClock()).settled(GROUPS)
            except ServerAway:
                return False


@contextmanager
def running_bot(
    state: Path,
    settings: Mapping[str, str] | None = None,
    *,
    parts: tuple[str, ...] = TRADING,
    only_for: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Bot]:
    """Run a bot on free ports with its data in *state*, and remove it afterwards. () means all parts.

    *only_for* has what only one part gets into its environment, by the part's name.
    """
    chosen = [
        replace(part, environment=_always(only_for[part.name])) if only_for and part.name in only_for else part
        for part in select(parts)
    ]
    stack = Stack(StackConfig.isolated(ROOT, state, parts=tuple(chosen), environment=settings or {}))
    require_parts(stack.config)
    try:
        with stack:
            yield Bot(stack)
    finally:
        stack.remove()


def _always(environment: Mapping[str, str]) -> Callable[[StackConfig], Mapping[str, str]]:
    return lambda _config: environment
