"""The room's programs: the collector, promtool. A missing one is a skip on a laptop and a failure in CI."""

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from cdb.stack import Ports, StackError
from cdb.stack.ports import can_listen
from cdb.stack.tools import debian_program, otelcol
from tests.servers import ROOT
from tests.waiting import until

CONFIG: Final = ROOT / "otel-collector" / "config.yaml"
RENAMING: Final = ROOT / "otel-collector" / "renaming.yaml"
TOKEN: Final = "token-of-the-tests"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Collector:
    """A running collector."""

    ports: Ports

    @property
    def endpoint(self) -> str:
        """Return where it takes OTLP over gRPC."""
        return f"http://127.0.0.1:{self.ports.otlp_grpc}"

    def exposition(self) -> str:
        """Return its exposition as text."""
        return fetch(self.ports.exposition, "/metrics")


def fetch(port: int, path: str, *, accept: str = "*/*") -> str:
    """Return what is answered on *port* of this machine."""
    with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept}), timeout=5) as reply:
        text: str = reply.read().decode()
    return text


def collector_program() -> str:
    """Return the path of the collector."""
    return _required(otelcol)


def promtool() -> str:
    """Return the path of promtool, which comes with Prometheus."""
    return _required(partial(debian_program, "promtool", package="prometheus"))


def require_all() -> None:
    """Skip the test, or fail it, unless everything is installed that a whole stack needs and promtool."""
    collector_program()
    promtool()
    for program in ("prometheus", "prometheus-redis-exporter", "prometheus-postgres-exporter"):
        _required(partial(debian_program, program, package=program))


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    return list(islice(filter(can_listen, random.sample(range(20_000, 32_000), 2_000)), count))


@contextmanager
def running_collector(log: Path, *files: Path) -> Iterator[Collector]:
    """Run a collector with the project's configuration, or with *files*; its log is in the failure if it ends."""
    program = collector_program()
    collector = Collector(Ports.free())
    words = [word for file in files or (CONFIG, RENAMING) for word in ("--config", str(file))]
    with log.open("wb") as output:
        process = subprocess.Popen([program, *words], env=collector_environment(collector.ports), stderr=output)
    try:
        until(lambda: process.poll() is not None or _healthy(collector.ports), what="a healthy collector")
        assert process.poll() is None, f"the collector ended: {log.read_text()[-2000:]}"
        yield collector
    finally:
        process.terminate()
        process.wait(10)


def collector_environment(ports: Ports) -> dict[str, str]:
    """Return the variables that the collector's configuration reads."""
    return {**ports.environment(), "CDB_OTLP_TOKEN": TOKEN, "PATH": os.environ["PATH"]}


def _healthy(ports: Ports) -> bool:
    try:
        return bool(fetch(ports.collector_health, "/"))
    except (URLError, OSError):
        return False


def _required(find: Callable[[], str]) -> str:
    try:
        return find()
    except StackError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
