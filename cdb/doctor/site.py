"""The stack that is examined: where its parts answer, whichever way it was started.

What is asked is the same with and without containers. What differs is in one function that makes a Site: `native`
here, `in_containers` in containers.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cdb.kit.http_client import local_client
from cdb.kit.prometheus import Prometheus
from cdb.running.native import Kind, PartStatus, Ports, Stack, StackConfig, envfile, record
from cdb.running.native.ports import HOST
from cdb.trace.jaeger import Jaeger

_LOOK = {
    "native": "cdb status, then the log of the part in .cdb/logs/",
    "compose": "docker compose ps --all, then docker compose logs of the part",
}
_ANEW = {"native": "cdb down, cdb up", "compose": "docker compose up -d --build"}


@dataclass(frozen=True)
class Site:
    """A running stack.

    *place* is on the disk that holds its data. *listening* are the ports its parts are reached on, by name. *parts*
    looks at every part; *otherwise* says in what the settings of now differ from those it was started with, None if
    that is not known.
    """

    way: str
    root: Path
    place: Path
    ports: Ports
    listening: Mapping[str, int]
    settings: Mapping[str, str] = field(repr=False)
    parts: Callable[[], tuple[PartStatus, ...]]
    otherwise: Callable[[], list[str] | None]
    prometheus: Prometheus
    jaeger: Jaeger
    http: httpx.Client
    patience_s: float = 30.0  # for what takes its time on a healthy stack: a notification

    def has(self, port: str) -> bool:
        """Tell whether what listens on the port called *port* is part of this stack."""
        return port in self.listening

    def url(self, port: str, path: str = "") -> str:
        """Return the address of *path* on the port called *port*."""
        return address_of(self.ports, port) + path

    @property
    def look(self) -> str:
        """Return what shows how its parts are and what they say."""
        return _LOOK[self.way]

    @property
    def anew(self) -> str:
        """Return what lets it take over what was changed in its settings."""
        return _ANEW[self.way]

    def close(self) -> None:
        """Close the connections."""
        for client in (self.prometheus, self.jaeger, self.http):
            client.close()


def native(root: Path, environ: Mapping[str, str], state: Path) -> Site | None:
    """Return the stack that runs in *state* without containers, None if none does."""
    stack = Stack.attach(state)
    if stack is None or not stack.running():
        return None
    config = stack.config
    names = [port for part in config.parts if part.kind is not Kind.ONE_SHOT for port in part.ports]
    return Site(
        way="native",
        root=root,
        place=config.state_dir,
        ports=config.ports,
        listening={name: config.ports.of(name) for name in names},
        settings=config.environment,
        parts=stack.status,
        otherwise=lambda: _otherwise(root, environ, config),
        prometheus=Prometheus(address_of(config.ports, "prometheus")),
        jaeger=Jaeger(address_of(config.ports, "jaeger")),
        http=local_client(),
    )


def address_of(ports: Ports, port: str) -> str:
    """Return the address of the port called *port*."""
    return f"http://{HOST}:{ports.of(port)}"


def _otherwise(root: Path, environ: Mapping[str, str], running: StackConfig) -> list[str]:
    """Return the differences; without .env nothing can be said of what would be started now."""
    if not envfile.read(root / ".env"):
        return []
    chosen = {name: value for name, value in environ.items() if name != "CDB_STACK"}
    wanted = StackConfig.for_operator(root, chosen, parts=running.parts)
    written = record.read(running.layout.record)
    return record.differences(written, record.describe(wanted)) if written else []


def reason(error: Exception) -> str:
    """Return the first line of what *error* says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
