"""The stack that runs in containers, seen from the machine: its containers, its published ports, its ledger."""

import json
import os
import signal
import subprocess
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import psutil

from cdb.running.native import Ports, envfile
from tests.support.bot import SERVICES
from tests.support.http import ask
from tests.support.paths import ROOT
from tests.support.waiting import until

BEFORE_ALERTMANAGER: Final = (
    *(*SERVICES, "cdb_redis", "cdb_postgres", "cdb_otel_collector", "cdb_jaeger"),
    *("cdb_redis_exporter", "cdb_postgres_exporter", "cdb_prometheus", "cdb_console"),
)
"""All that may be killed while Alertmanager has still to tell of something."""
ALL: Final = (*BEFORE_ALERTMANAGER, "cdb_alertmanager")
WITHOUT_CHECK: Final = {"cdb_otel_collector"}  # its image has no shell to check it with
ONE_SHOTS: Final = {"cdb_handover", "cdb_migrate"}


@dataclass(frozen=True)
class State:
    """What the engine says of a container; *pid* is its server's process on the machine, 0 if there is none."""

    status: str
    health: str
    pid: int

    @property
    def well(self) -> bool:
        """Whether it runs and, where it can be asked, says that it is healthy."""
        return self.status == "running" and self.health in {"healthy", "none"}


@dataclass(frozen=True)
class Containers:
    """The running stack."""

    ports: Ports

    @classmethod
    def running(cls, environ: Mapping[str, str]) -> Self:
        """The stack on the ports that *environ* says, or .env, as for docker-compose.yml."""
        return cls(Ports.from_environment({**envfile.read(ROOT / ".env"), **environ}))

    def compose(self, *arguments: str, check: bool = True, within_s: float = 240) -> str:
        """Run `docker compose` and return what it prints; COMPOSE_FILE says which files."""
        return docker("compose", *arguments, check=check, within_s=within_s)

    def inspect(self, container: str) -> dict[str, Any]:
        """All that the engine knows of *container*."""
        found: dict[str, Any] = json.loads(docker("inspect", container))[0]
        return found

    def state(self, container: str) -> State:
        """How *container* is."""
        found = self.inspect(container)["State"]
        return State(found["Status"], found.get("Health", {}).get("Status", "none"), _server(found["Pid"]))

    def states(self) -> dict[str, State]:
        """How all containers are."""
        return {container: self.state(container) for container in ALL}

    def unwell(self) -> dict[str, State]:
        """The containers that are not well."""
        return {container: state for container, state in self.states().items() if not state.well}

    def wait_well(self, within_s: float = 60) -> None:
        """Wait until every container runs and every check succeeds, each service's own included."""
        until(self.unwell, holds=lambda seen: not seen, within_s=within_s, what="all containers healthy", every_s=0.5)
        until(self.health, holds=lambda seen: set(seen.values()) == {200}, within_s=within_s, what="all /health 200")

    def health(self) -> dict[str, int]:
        """The status of every service's /health."""
        return {service: self.ask(service, "/health")[0] for service in SERVICES}

    def kill(self, container: str) -> None:
        """End the server's process of *container* by SIGKILL, and wait until there is another one."""
        old = self.state(container).pid
        assert old > 0, f"{container} does not run"
        os.kill(old, signal.SIGKILL)
        until(
            lambda: self.state(container),
            holds=lambda seen: seen.status == "running" and seen.pid not in {0, old},
            within_s=60,
            what=f"a new {container}",
            every_s=0.2,
        )

    def ask(self, port: str, path: str, *, post: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Status and body of an answer at the published port called *port*; status 0 if nobody answers."""
        return ask(self.ports.of(port), path, post=post, headers=headers)

    def prometheus(self, path: str, **parameters: str) -> Any:
        """The data of Prometheus' answer to GET /api/v1/*path*; None while it does not answer."""
        status, answer = self.ask("prometheus", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        return answer["data"] if status == 200 and answer["status"] == "success" else None

    def value(self, query: str, at: float | None = None) -> float | None:
        """The single value of *query* (at a Unix time), None if there is none."""
        found = self.prometheus("query", query=query, **({} if at is None else {"time": str(at)}))
        return float(found["result"][0]["value"][1]) if found and found["result"] else None

    def notifications(self, alertname: str) -> list[dict[str, Any]]:
        """What the receiver got of *alertname*, newest first."""
        status, body = self.ask("cdb_console", f"/api/notifications?alertname={alertname}&limit=1000")
        return list(body["notifications"]) if status == 200 else []

    def wait_told(self, service: str, status: str, within_s: float) -> None:
        """Wait until the newest notification about *service* being down is *status*: firing or resolved."""

        def newest() -> list[str]:
            found = self.notifications("ServiceDown")
            return [one["status"] for one in found if one["labels"].get("service") == service][:1]

        until(
            newest,
            holds=lambda seen: seen == [status],
            within_s=within_s,
            what=f"ServiceDown {service} {status}",
            every_s=1,
        )

    def count(self, table: str, where: str = "true") -> int:
        """How many rows of *table* the ledger has; -1 while it cannot be read."""
        text = self.ledger(f"SELECT count(*) FROM {table} WHERE {where}")  # noqa: S608  constants of the tests
        return int(text) if text.isdigit() else -1

    def ledger(self, statement: str) -> str:
        """The one value that a statement gives; "" while the ledger cannot be read."""
        ask = 'psql -tA -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "$1"'
        return docker("exec", "cdb_postgres", "sh", "-c", ask, "sh", statement, check=False).strip()

    def bus(self, *command: str) -> list[str]:
        """The lines that redis-cli prints."""
        ask = 'REDISCLI_AUTH="$(cat /run/secrets/redis/REDIS_PASSWORD)" redis-cli "$@"'
        return docker("exec", "cdb_redis", "sh", "-c", ask, "sh", *command).splitlines()

    def wait_deciding(self, within_s: float = 60) -> None:
        """Wait until a new signal is decided."""
        before = self.count("decisions")
        until(
            lambda: self.count("decisions"),
            holds=lambda now: now > before >= 0,
            within_s=within_s,
            what="a new decision",
            every_s=0.5,
        )

    def python(self, container: str, code: str) -> subprocess.CompletedProcess[str]:
        """Run *code* inside one of our own containers."""
        return _docker("exec", container, "python", "-c", code, within_s=60)

    def audit(self) -> None:
        """Fail with what the audit says unless the ledger is in order."""
        result = _docker("exec", "cdb_risk", "cdb", "audit", within_s=120)
        assert result.returncode == 0, result.stdout + result.stderr


def _server(pid: int) -> int:
    """What Docker's little init, which is *pid*, has started and waits for; *pid* if that is nothing yet."""
    try:
        children = psutil.Process(pid).children() if pid else []
    except psutil.NoSuchProcess:
        return pid
    return children[0].pid if children else pid


def docker(*arguments: str, check: bool = True, within_s: float = 60) -> str:
    """Run docker and return what it prints; fail with what it says if it fails and *check* is set."""
    result = _docker(*arguments, within_s=within_s)
    assert not check or result.returncode == 0, f"docker {' '.join(arguments)}: {result.stdout}{result.stderr}"
    return result.stdout


def _docker(*arguments: str, within_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=within_s, check=False
    )
