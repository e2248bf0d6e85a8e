"""A collector without a stack, with the project's configuration or a changed one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from cdb.running.native import Ports
from cdb.running.native.ports import release, reserve
from tests.support.paths import ROOT
from tests.support.programs import collector_program
from tests.support.waiting import until

CONFIG: Final = ROOT / "otel-collector" / "config.yaml"
RENAMING: Final = ROOT / "otel-collector" / "renaming.yaml"
TOKEN: Final = "token-of-the-tests"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Collector:
    ports: Ports

    @property
    def endpoint(self) -> str:
        """Address for OTLP over gRPC."""
        return f"http://127.0.0.1:{self.ports.otlp_grpc}"

    def exposition(self) -> str:
        return fetch(self.ports.exposition, "/metrics")


def fetch(port: int, path: str, *, accept: str = "*/*") -> str:
    """Text of an answer on 127.0.0.1; raises an OSError if nobody answers or the status is no success."""
    with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept}), timeout=5) as reply:
        text: str = reply.read().decode()
    return text


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Ports that nobody listens on; no other test gets them before the block ends."""
    reservations = reserve(count)
    try:
        yield [reservation.getsockname()[1] for reservation in reservations]
    finally:
        release(reservations)


@contextmanager
def running_collector(log: Path, *files: Path) -> Iterator[Collector]:
    """Run a collector with *files*, by default the project's configuration. If it ends, the failure has its log."""
    program = collector_program()
    collector = Collector(Ports.free())
    words = [word for file in files or (CONFIG, RENAMING) for word in ("--config", str(file))]
    environment = collector_environment(collector.ports, log.with_suffix(".queue"))
    with log.open("wb") as output:
        process = subprocess.Popen([program, *words], env=environment, stderr=output)
    try:
        until(lambda: process.poll() is not None or _healthy(collector.ports), what="a healthy collector")
        assert process.poll() is None, f"the collector ended: {log.read_text()[-2000:]}"
        yield collector
    finally:
        process.terminate()
        process.wait(10)


def collector_environment(ports: Ports, queue: Path) -> dict[str, str]:
    """Variables that the collector's configuration reads; *queue* is the folder of its span queue."""
    own = {"CDB_OTLP_TOKEN": TOKEN, "CDB_TRACE_QUEUE_DIR": str(queue), "PATH": os.environ["PATH"]}
    return {**ports.environment(), **own}


def _healthy(ports: Ports) -> bool:
    try:
        return bool(fetch(ports.collector_health, "/"))
    except (URLError, OSError):
        return False
