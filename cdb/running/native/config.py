"""What a stack is made of: its parts, ports, place and settings."""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from cdb.running.errors import StackError
from cdb.running.native import envfile, shell
from cdb.running.native.checked_settings import refuse_wrong
from cdb.running.native.layout import Layout
from cdb.running.native.ports import Ports
from cdb.running.native.tools import Built
from cdb.running.native.unknown_settings import refuse_unknown
from services.settings import without_empty

_DEFAULTS = {
    "POSTGRES_USER": "claire",
    "POSTGRES_DB": "claire_de_binaire",
    "CDB_TEST_ENDPOINTS": "1",
    "CDB_LOG_FORMAT": "json",
}
STACK_ID = "CDB_STACK_ID"  # in the environment of every process of a stack: its state directory
STATE_DIR = "CDB_STATE_DIR"


@dataclass(frozen=True)
class Health:
    """What a probe saw."""

    ok: bool
    detail: str = ""


class Kind(StrEnum):
    """How a part lives, and so when it is stopped: programs go before the servers they use."""

    SERVER = "server"
    ONE_SHOT = "one-shot"
    SERVICE = "service"


@dataclass(frozen=True)
class Part:
    """One program of the stack. *probe* asks whether it can do its work; a one-shot is judged by its exit.

    It gets no other secrets of .env than *secrets*. *environment* is for itself alone and holds no secret. All parts
    get what *provides* gives, unless the settings say otherwise. A part that is not *available* by itself is left out
    unless it is asked for. What *yields* leaves the processor to the others. *built* is the program that
    the bootstrap builds for it.
    """

    name: str
    command: "Callable[[StackConfig], tuple[str, ...]]"
    kind: Kind = Kind.SERVER
    yields: bool = False
    built: "Callable[[], Built | None]" = lambda: None
    probe: "Callable[[StackConfig], Health] | None" = None
    ports: tuple[str, ...] = ()
    prepare: "Callable[[StackConfig], None] | None" = None
    data_dir: "Callable[[StackConfig], Path] | None" = None
    user: "Callable[[StackConfig], str | None] | None" = None
    stop_signal: str = "TERM"
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    address: str = ""
    secrets: tuple[str, ...] = ()
    environment: "Callable[[StackConfig], Mapping[str, str]] | None" = None
    provides: "Callable[[StackConfig], Mapping[str, str]] | None" = None
    available: "Callable[[], bool]" = lambda: True

    def unbuilt(self) -> Built | None:
        """The program that is still to be built before the part can run, None if there is none."""
        built = self.built()
        return built if built and not built.path.exists() else None


@dataclass(frozen=True)
class StackConfig:
    """A stack before it runs.

    *environment* are its settings, recorded with mode 600 while it runs; *inherited* is what else its processes get:
    names of the system, no secret.
    """

    root: Path
    state_dir: Path
    ports: Ports
    environment: Mapping[str, str] = field(repr=False)
    parts: tuple[Part, ...]
    inherited: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def layout(self) -> Layout:
        """Paths of the stack."""
        return Layout(self.state_dir)

    def process_environment(self) -> dict[str, str]:
        """Environment that every process of the stack gets."""
        return {
            **self.inherited,
            **self._provided(),
            **self.environment,
            **self.ports.environment(),
            "PYTHONUNBUFFERED": "1",
            STACK_ID: str(self.state_dir),
        }

    def _provided(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in self.parts:
            found.update(part.provides(self) if part.provides else {})
        return found

    def part(self, name: str) -> Part:
        """Part by its name; raises StackError."""
        known = {part.name: part for part in self.parts}
        if name not in known:
            raise StackError(f"this stack has no part {name!r}; known: {', '.join(known)}")
        return known[name]

    @classmethod
    def for_operator(cls, root: Path, environ: Mapping[str, str], *, parts: tuple[Part, ...]) -> Self:
        """Join defaults, .env and the settings of *environ*; raises StackError naming a wrong name or value."""
        env_file = root / ".env"
        lines = envfile.read_strictly(env_file)
        for variable in shell.OWN_SERVERS:
            shell.refuse_other_server(variable, {**lines, **environ})
        refuse_unknown(lines, environ, root)
        settings = {**_DEFAULTS, **without_empty(shell.settings(lines, environ, root))}
        for private in (STACK_ID, STATE_DIR):
            settings.pop(private, None)
        envfile.refuse_bad_values(settings, source=f"{env_file} and the environment")
        ports = Ports.from_environment(settings)
        refuse_wrong(settings, root)
        return cls(
            root=root,
            state_dir=state_dir(root, environ),
            ports=ports,
            environment=settings,
            parts=parts,
            inherited=shell.of_system(environ),
        )

    @classmethod
    def isolated(
        cls,
        root: Path,
        state: Path,
        *,
        parts: tuple[Part, ...],
        environment: Mapping[str, str] | None = None,
        ports: Ports | None = None,
    ) -> Self:
        """Configure a stack beside any other: free ports, throw-away secrets, settings from the caller only."""
        settings = {
            **_DEFAULTS,
            "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
            "REDIS_PASSWORD": secrets.token_urlsafe(24),
            "CDB_OPERATOR_TOKEN": secrets.token_urlsafe(24),
            "CDB_OTLP_TOKEN": secrets.token_urlsafe(24),
            "CDB_MONITORING_PASSWORD": secrets.token_urlsafe(24),
            "CDB_READER_PASSWORD": secrets.token_urlsafe(24),
            "CDB_CONSOLE_PASSWORD": secrets.token_urlsafe(24),
            "GRAFANA_PASSWORD": secrets.token_urlsafe(24),
            **(environment or {}),
        }
        return cls(
            root=root,
            state_dir=state.resolve(),
            ports=ports or Ports.free(),
            environment=settings,
            parts=parts,
            inherited=shell.of_system(os.environ),
        )


def state_dir(root: Path, environ: Mapping[str, str]) -> Path:
    """Directory of the operator's stack: CDB_STATE_DIR, or .cdb beside the code. Raises StackError."""
    chosen = Path(environ.get(STATE_DIR) or root / ".cdb")
    if not chosen.is_absolute():  # it would be another one in every working directory
        raise StackError(f"{STATE_DIR}={str(chosen)!r:.80} must be an absolute path, such as {chosen.resolve()}")
    return chosen.resolve()
