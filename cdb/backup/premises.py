"""The running stack that is saved or replaced: what differs between ways to run it.

A stack in containers is one more class with these members: PostgreSQL's programs are run in the database's container,
and the engine reads and writes the files of a stopped one.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from cdb.addresses import BusSettings, settings
from cdb.backup import tree
from cdb.backup.ledger import Programs, server_major
from cdb.stack import Failure, Ports, Stack
from cdb.stack.lock import locked
from cdb.stack.tools import postgres_bin
from services.process import address_of
from services.settings import LedgerSettings

TREES: Final = ("prometheus", "alert_receiver")
"""The parts whose data directories are saved."""
TRADERS: Final = ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution")
_READY_S: Final = 120.0
_BACK_S: Final = 60.0
_LOOK_S: Final = 0.2


class Premises(Protocol):
    """A running stack. Every method raises StackError or OSError; what else, it says."""

    @property
    def ports(self) -> Ports:
        """Return where its parts answer."""

    @property
    def parts(self) -> frozenset[str]:
        """Return the names of its parts."""

    def programs(self) -> Programs:
        """Return PostgreSQL's programs, of the server's version. Raise ServerAway, too."""

    def bus(self) -> BusSettings:
        """Return how to reach the bus."""

    @property
    def workplace(self) -> Path:
        """Return a folder with room for an archive's content."""

    def save_tree(self, part: str, target: Path) -> None:
        """Write the data of *part*, which is stopped for moments, to the compressed tar file *target*."""

    def replace_tree(self, part: str, source: Path) -> None:
        """Replace the data of *part*, which is stopped meanwhile, by what `save_tree` wrote. Raise BackupError, too."""

    @contextmanager
    def stopped(self, *parts: str) -> Iterator[None]:
        """Stop those of *parts* that there are; start them again at the end, whatever happened."""
        yield

    def wait_ready(self) -> Failure | None:
        """Wait until every part does its work; return what does not."""


class Native:
    """A stack without containers; nobody else may start or stop it while one of these is *held*."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._environment: Mapping[str, str] = stack.config.process_environment()

    @classmethod
    @contextmanager
    def held(cls, stack: Stack) -> Iterator["Native"]:
        """Yield the running *stack*; raise StackError if another command is at work on it."""
        with locked(stack.config.layout.lock):
            yield cls(stack)

    @property
    def ports(self) -> Ports:
        """Return where its parts answer."""
        return self._stack.config.ports

    @property
    def parts(self) -> frozenset[str]:
        """Return the names of its parts."""
        return frozenset(part.name for part in self._stack.config.parts)

    def programs(self) -> Programs:
        """Return PostgreSQL's programs, of the server's version."""
        address = address_of(settings(LedgerSettings, self._environment))
        folder = postgres_bin(str(server_major(address)))
        return Programs(dump=(str(folder / "pg_dump"),), restore=(str(folder / "pg_restore"),), address=address)

    def bus(self) -> BusSettings:
        """Return how to reach the bus."""
        return settings(BusSettings, self._environment)

    def save_tree(self, part: str, target: Path) -> None:
        """Write the data of *part* to *target*; wait a minute at most until it works again."""
        with tempfile.TemporaryDirectory(dir=self._data, prefix=".backup-") as folder:
            copied = Path(folder, part)
            with self.stopped(part):
                tree.copy(self._data / part, copied)
            tree.pack(copied, target)
        deadline = time.monotonic() + _BACK_S
        while not self._works(part) and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def replace_tree(self, part: str, source: Path) -> None:
        """Replace the data of *part*; the old ones go when the new ones are in place."""
        with tempfile.TemporaryDirectory(dir=self._data, prefix=".restore-") as folder:
            fresh = Path(folder, part)
            tree.unpack(source, fresh)
            with self.stopped(part):
                _exchange(self._data / part, fresh)

    @contextmanager
    def stopped(self, *parts: str) -> Iterator[None]:
        """Stop those of *parts* that there are; start them again at the end, whatever happened."""
        names = [name for name in parts if name in self.parts]
        try:
            for name in names:
                self._stack.stop_part(name)
            yield
        finally:
            for name in names:
                self._stack.start_part(name)

    def wait_ready(self) -> Failure | None:
        """Wait until every part does its work; return what does not."""
        return self._stack.wait_ready(_READY_S)

    @property
    def workplace(self) -> Path:
        """Return the folder of the data."""
        return self._data

    def _works(self, part: str) -> bool:
        return any(seen.ready for seen in self._stack.status() if seen.name == part)

    @property
    def _data(self) -> Path:
        return self._stack.config.layout.data


def _exchange(there: Path, fresh: Path) -> None:
    """Let *fresh* be in the place of *there*, and that in its; if it cannot be, leave both as they were."""
    aside = fresh.with_name(f"{fresh.name}.replaced")
    there.rename(aside)
    try:
        fresh.rename(there)
    except OSError:
        aside.rename(there)
        raise
