"""What every way to run the stack has in common. What differs is in native_stack.py and compose_stack.py only."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final, Self

import httpx
import redis
from pydantic import Field

from cdb.kit.http_client import local_client
from cdb.kit.prometheus import Prometheus
from cdb.running.errors import NotBuilt, StackError
from cdb.running.native import PartStatus, Ports, envfile
from cdb.running.native.config import state_dir
from cdb.running.native.ports import HOST
from cdb.running.settings import read_settings
from services import topology
from services.bus.client import connect
from services.settings import (
    BadSecretsDir,
    BusSettings,
    LedgerSettings,
    OperatorSettings,
    Port,
    port_of,
    settings_in_files,
    without_empty,
)

PSQL: Final = ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
PGOPTIONS: Final = "-c lock_timeout=15s"
"""What PostgreSQL's programs ask of their session."""
_LOOK_S: Final = 0.2


@dataclass(frozen=True)
class LedgerPrograms:
    """PostgreSQL's programs, of the server's version: the words before each one's arguments, and their environment.

    *sql* reads statements and ends at the first that fails. *ask* gives the one value of a statement; it raises
    ServerAway or StackError.
    """

    dump: Sequence[str]
    restore: Sequence[str]
    sql: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    ask: Callable[[str], str]


class RiskAddress(OperatorSettings):
    """How to reach the endpoints of cdb_risk."""

    host: str = Field(default=HOST, validation_alias="CDB_RISK_HOST")
    port: Port = port_of(topology.RISK)


class RunningStack(ABC):
    """The operator's stack. It need not run: `require_running` says so, and all else is about what would run.

    Methods raise StackError or OSError if the stack cannot be asked.
    """

    way: ClassVar[str]
    status_command: ClassVar[str]
    where_to_look: ClassVar[str]
    """What shows how its parts are and what they say."""
    how_to_restart: ClassVar[str]
    """What lets it take over changed settings."""
    how_to_begin_anew: ClassVar[str]
    """What deletes all data, the ledger too, and starts with a new account."""
    how_to_reload_rules: ClassVar[str]
    how_to_add_grafana: ClassVar[str]

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self.environ = environ
        self.state_dir = state_dir(root, environ)

    @property
    @abstractmethod
    def not_running(self) -> str:
        """Sentence for when it does not run: where it was looked for, and what starts it."""

    @abstractmethod
    def parts(self) -> tuple[PartStatus, ...]:
        """Look at every part; () if the stack does not run."""

    @cached_property
    def ports(self) -> Ports:
        """Where its parts answer: the ports it runs on, else those that the environment or .env choose."""
        return Ports.from_environment({**envfile.read(self.root / ".env"), **self.environ})

    @property
    @abstractmethod
    def listening(self) -> Mapping[str, int]:
        """Ports, by name, of the parts that are there."""

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """What it runs with, else what it would: .env, in a container the files of secrets, the environment."""
        try:
            in_files = settings_in_files(self.environ)
        except BadSecretsDir as error:
            raise StackError(str(error)) from error
        return {**envfile.read(self.root / ".env"), **in_files, **self.environ}

    @property
    def wanted(self) -> dict[str, str]:
        """Settings that .env and the environment have now, whatever it runs with; what is empty is left out."""
        return without_empty({**envfile.read(self.root / ".env"), **self.environ})

    @abstractmethod
    def changed_settings(self) -> list[str] | None:
        """Differences between what it runs with and what would be started now; None if they cannot be known."""

    @property
    @abstractmethod
    def disk(self) -> Path:
        """A folder on the disk that holds its data."""

    @property
    @abstractmethod
    def workplace(self) -> Path:
        """A folder with room for its data once more."""

    @abstractmethod
    def held(self) -> AbstractContextManager[None]:
        """Keep other commands from changing it meanwhile; raises StackError if it does not run."""

    @abstractmethod
    def start(self, names: Sequence[str]) -> None:
        """Start parts that were stopped; does not wait until they are ready."""

    @abstractmethod
    def stop(self, names: Sequence[str]) -> None:
        """Stop parts and wait for their end."""

    @abstractmethod
    def ledger_programs(self) -> LedgerPrograms:
        """Find PostgreSQL's programs. Raises ServerAway, too."""

    @abstractmethod
    def migrate_ledger(self) -> None:
        """Run the program that brings the ledger to the schema of the services. An error changes nothing."""

    @abstractmethod
    def remove_streams(self, *names: str) -> None:
        """Remove streams from the bus. Raises ServerAway, too."""

    @abstractmethod
    def stored_bytes(self, part: str) -> int:
        """Measure the data of *part*; 0 if that cannot be done now."""

    @abstractmethod
    def save_data(self, part: str, target: Path) -> None:
        """Write the data of *part* to the compressed tar file *target*; stops it for moments."""

    @abstractmethod
    def replace_data(self, part: str, source: Path) -> None:
        """Replace the data of *part* by what `save_data` wrote; stops it meanwhile. An error changes nothing."""

    def require_running(self) -> Self:
        """Raise StackError unless any part runs."""
        if not self.parts():
            raise StackError(self.not_running)
        return self

    def part(self, name: str) -> PartStatus | None:
        """Look at one part, called as it is without containers; None if there is no such part."""
        return _find(name, self.parts())

    @contextmanager
    def stopped(self, *names: str) -> Iterator[None]:
        """Stop those of the parts that run, and start them again at the end, whatever happened."""
        seen = self.parts()
        running = [part.name for part in (_find(name, seen) for name in names) if part and part.active]
        try:
            self.stop(running)
            yield
        finally:
            self.start(running)

    def wait_ready(self, names: Sequence[str], within_s: float) -> PartStatus | None:
        """Wait until the parts called *names* do their work; gives one that does not."""
        deadline = time.monotonic() + within_s
        while True:
            unready = next((part for part in self.parts() if part.name in names and not part.ready), None)
            if unready is None or time.monotonic() > deadline:
                return unready
            time.sleep(_LOOK_S)

    def unbuilt(self) -> Mapping[str, NotBuilt]:
        """Parts whose program is not built yet, with what to say about it."""
        return {}

    def url(self, port: str, path: str = "") -> str:
        """Address of *path* on the port called *port*; raises NotBuilt if its program is not there yet."""
        return f"http://{HOST}:{self.ports[port]}{path}"

    @cached_property
    def prometheus(self) -> Prometheus:
        """Client of its Prometheus."""
        return Prometheus(self.url("prometheus"))

    @cached_property
    def http(self) -> httpx.Client:
        """Client for all else."""
        return local_client()

    def close(self) -> None:
        """Close the connections."""
        for name in {"prometheus", "http"} & vars(self).keys():
            getattr(self, name).close()

    def ledger_settings(
        self, *, database: str | None = None, host: str | None = None, port: int | None = None
    ) -> LedgerSettings:
        """How to reach the ledger, or another one on that server or another."""
        chosen = {"POSTGRES_DB": database, "POSTGRES_HOST": host, "POSTGRES_PORT": port}
        given = {name: value for name, value in chosen.items() if value is not None}
        return read_settings(LedgerSettings, {**self._servers("POSTGRES_HOST", elsewhere=bool(host)), **given})

    def bus_settings(self) -> BusSettings:
        """How to reach the bus."""
        return read_settings(BusSettings, self._servers("REDIS_HOST"))

    def risk_address(self) -> RiskAddress:
        """Where cdb_risk listens to operators, and the token."""
        return read_settings(RiskAddress, self._servers("CDB_RISK_HOST"))

    def bus_client(self) -> redis.Redis:
        """A client of the bus, which connects at its first command; the caller closes it."""
        bus = self.bus_settings()
        return connect(host=bus.redis_host, port=bus.redis_port, password=bus.redis_password.get_secret_value())

    def _servers(self, variable: str, *, elsewhere: bool = False) -> dict[str, str]:
        """Settings of the servers; *variable* is that of the address of the one that is meant.

        *elsewhere* says that the command line chooses another one. Raises StackError.
        """
        return {**self.settings, **Ports.from_environment(self.settings).environment()}


def _find(name: str, parts: Sequence[PartStatus]) -> PartStatus | None:
    return next((part for part in parts if part.name in (name, f"cdb_{name}")), None)
