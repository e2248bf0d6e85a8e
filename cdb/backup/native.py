"""A stack without containers, as a backup sees it."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import redis

from cdb.backup import tree
from cdb.backup.ledger import PGOPTIONS, Programs, server_major
from cdb.backup.premises import BACK_S, LOOK_S, READY_S
from cdb.running.addresses import settings
from cdb.running.native import Failure, Ports, Stack
from cdb.running.native.lock import locked
from cdb.running.native.tools import postgres_bin
from services.bus.streams import connect
from services.errors import ServerAway
from services.ledger.connection import Ledger, LedgerAddress
from services.settings import BusSettings, LedgerSettings


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

    @property
    def status(self) -> str:
        """Return the command that shows how its parts are."""
        return "cdb status"

    @property
    def workplace(self) -> Path:
        """Return the folder of the data."""
        return self._data

    def programs(self) -> Programs:
        """Return PostgreSQL's programs, of the server's version."""
        address = LedgerAddress.of(settings(LedgerSettings, self._environment))
        ask = partial(_asked, address)
        folder = postgres_bin(str(server_major(ask)))
        return Programs(
            dump=(str(folder / "pg_dump"),),
            restore=(str(folder / "pg_restore"),),
            database=address.database,
            environment=_for_programs(address),
            ask=ask,
        )

    def remove_streams(self, *names: str) -> None:
        """Remove streams from the bus."""
        bus = settings(BusSettings, self._environment)
        client = connect(host=bus.redis_host, port=bus.redis_port, password=bus.redis_password.get_secret_value())
        try:
            client.delete(*names)
        except redis.RedisError as error:
            raise ServerAway("Redis", error) from error
        finally:
            client.close()

    def save_tree(self, part: str, target: Path) -> None:
        """Write the data of *part* to *target*; wait a minute at most until it works again."""
        with tempfile.TemporaryDirectory(dir=self._data, prefix=".backup-") as folder:
            copied = Path(folder, part)
            with self.stopped(part):
                tree.copy(self._data / part, copied)
            tree.pack(copied, target)
        deadline = time.monotonic() + BACK_S
        while not self._works(part) and time.monotonic() < deadline:
            time.sleep(LOOK_S)

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
        return self._stack.wait_ready(READY_S)

    def _works(self, part: str) -> bool:
        return any(seen.ready for seen in self._stack.status() if seen.name == part)

    @property
    def _data(self) -> Path:
        return self._stack.config.layout.data


def _asked(address: LedgerAddress, statement: str) -> str:
    ledger = Ledger(address, application="cdb-backup")
    try:
        return str(ledger.execute(statement)[0][0])
    finally:
        ledger.close()


def _for_programs(address: LedgerAddress) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGUSER": address.user,
        "PGDATABASE": address.database,
        "PGPASSWORD": address.password.get_secret_value(),  # not among the arguments, which everybody can see
        "PGCONNECT_TIMEOUT": "5",
        "PGOPTIONS": PGOPTIONS,
    }


def _exchange(there: Path, fresh: Path) -> None:
    """Let *fresh* be in the place of *there*, and that in its; if it cannot be, leave both as they were."""
    aside = fresh.with_name(f"{fresh.name}.replaced")
    there.rename(aside)
    try:
        fresh.rename(there)
    except OSError:
        aside.rename(there)
        raise
