"""The stack in containers: what the engine knows of it, by `docker ps`, which needs neither compose nor .env."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from cdb.doctor.site import Site, address_of, client
from cdb.prometheus import Prometheus
from cdb.stack import Health, PartStatus, Ports, StackError, envfile
from cdb.trace.jaeger import Jaeger

_PROJECT: Final = "claire-de-binare"
_LABEL: Final = "com.docker.compose."
_TIMEOUT_S: Final = 15.0
_PUBLISHED: Final = re.compile(r":(\d+)->(\d+)/tcp")
_PORT_OF: Final = {
    ("cdb_ws", 8000): "cdb_ws",
    ("cdb_core", 8001): "cdb_core",
    ("cdb_risk", 8002): "cdb_risk",
    ("cdb_execution", 8003): "cdb_execution",
    ("cdb_otel_collector", 4317): "otlp_grpc",
    ("cdb_otel_collector", 4318): "otlp_http",
    ("cdb_otel_collector", 8888): "collector_telemetry",
    ("cdb_otel_collector", 9464): "exposition",
    ("cdb_otel_collector", 13133): "collector_health",
    ("cdb_redis_exporter", 9121): "redis_exporter",
    ("cdb_postgres_exporter", 9187): "postgres_exporter",
    ("cdb_prometheus", 9090): "prometheus",
    ("cdb_alertmanager", 9093): "alertmanager",
    ("cdb_alert_receiver", 9094): "alert_receiver",
    ("cdb_jaeger", 16686): "jaeger",
    ("cdb_grafana", 3000): "grafana",
}
"""Which of a stack's ports a container's port is."""
ONE_SHOTS: Final = frozenset({"cdb_handover", "cdb_migrate"})
"""The containers that end by themselves; any other one that has ended was stopped."""


class Container(msgspec.Struct, frozen=True, rename="pascal"):
    """One line of `docker ps`."""

    labels: str
    ports: str
    state: str
    status: str

    @property
    def service(self) -> str:
        """Return its name in docker-compose.yml."""
        return self._label("service")

    @property
    def made_of(self) -> str:
        """Return the hash of what docker-compose.yml and .env said of it when it was made."""
        return self._label("config-hash")

    def _label(self, name: str) -> str:
        found = re.search(rf"{re.escape(_LABEL + name)}=([^,]+)", self.labels)
        return found[1] if found else "unknown"

    def part(self) -> PartStatus:
        """Return it as a part: healthy by its own check, without one while it runs; a one-shot if it ended well."""
        done = self.service in ONE_SHOTS and self.status.startswith("Exited (0)")
        well = done or (self.state == "running" and not re.search(r"\((?:unhealthy|health: starting)\)", self.status))
        return PartStatus(
            self.service, "done" if done else self.state, Health(ok=well, detail="" if well else self.status)
        )


def in_containers(root: Path, environ: Mapping[str, str], _state: Path) -> Site | None:
    """Return the stack that runs in containers, None if none does; raise StackError if there is no engine."""
    project = environ.get("COMPOSE_PROJECT_NAME") or _PROJECT
    found = look(project)
    if not any(one.state == "running" for one in found):
        return None
    listening = published(found)
    ports = Ports(**{**dict.fromkeys(Ports.variables(), 0), **listening})
    return Site(
        way="compose",
        root=root,
        place=Path(_docker("info", "--format", "{{.DockerRootDir}}").strip()),
        ports=ports,
        listening=listening,
        settings={**envfile.read(root / ".env"), **environ},
        parts=lambda: tuple(one.part() for one in look(project)),
        otherwise=lambda: otherwise(root, environ, look(project)),
        prometheus=Prometheus(address_of(ports, "prometheus")),
        jaeger=Jaeger(address_of(ports, "jaeger")),
        http=client(),
    )


def look(project: str) -> tuple[Container, ...]:
    """Return the containers of a compose project, those that ended too, but no `run` of a command; raise StackError."""
    labels = (f"project={project}", "oneoff=False")
    filters = [word for label in labels for word in ("--filter", f"label={_LABEL}{label}")]
    lines = _docker("ps", "--all", "--no-trunc", *filters, "--format", "{{json .}}").splitlines()
    try:
        return tuple(msgspec.json.decode(line, type=Container) for line in lines)
    except msgspec.MsgspecError as error:
        raise StackError(f"docker ps gives what is not understood: {error}") from error


def published(containers: tuple[Container, ...]) -> dict[str, int]:
    """Return the ports of this machine that lead into *containers*, by the names they have in a stack."""
    found = {
        (one.service, int(inside)): int(outside)
        for one in containers
        for outside, inside in _PUBLISHED.findall(one.ports)
    }
    return {_PORT_OF[key]: port for key, port in found.items() if key in _PORT_OF}


def otherwise(root: Path, environ: Mapping[str, str], containers: tuple[Container, ...]) -> list[str] | None:
    """Return what `docker compose up -d` in *root* would change now, None if compose is not there to be asked.

    Compose writes on each container the hash of what it was made of. Secrets and the contents of files are not in it.
    """
    try:
        _docker("compose", "version")
    except StackError:
        return None
    there = {one.service: one.made_of for one in containers}
    hashes = _docker("compose", "config", "--hash", "*", root=root, environ=environ).splitlines()
    wanted = dict(line.split(maxsplit=1) for line in hashes)
    return [
        f"{service} {'was changed' if service in there else 'was not started'}"
        for service, made_of in sorted(wanted.items())
        if there.get(service) != made_of
    ]


def _docker(*arguments: str, root: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(  # noqa: S603  fixed arguments
            ["docker", *arguments],  # noqa: S607  the one that the operator uses
            cwd=root,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=_TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise StackError("docker is not installed, so no stack runs in containers") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or [f"exit {error.returncode}"]
        raise StackError(f"docker {arguments[0]}: {said[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise StackError(f"docker {arguments[0]} does not answer within {_TIMEOUT_S:.0f} s") from error
    return done.stdout
