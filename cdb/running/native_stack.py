"""The operator's stack without containers: parts under supervisord, data in the state directory."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Final

import redis

from cdb.running import data_files
from cdb.running.base import PGOPTIONS, PSQL, LedgerPrograms, RunningStack
from cdb.running.errors import NotBuilt, StackError
from cdb.running.native import Kind, PartStatus, Ports, Stack, StackConfig, envfile, select, shell, stack_record
from cdb.running.native.tools import postgres_bin
from cdb.running.settings import read_settings
from services.bus.client import connect
from services.errors import ServerAway
from services.ledger.connection import Ledger, LedgerAddress
from services.settings import SECRETS_DIR, BusSettings, LedgerSettings

_REPLACED: Final = ".replaced"


class NativeStack(RunningStack):
    """A stack without containers. *stack* is as it was started, else as it would be, then without its secrets."""

    way = "native"
    status_command = "cdb status"
    where_to_look = "cdb status, then the log of the part in .cdb/logs/"
    how_to_restart = "cdb down, cdb up"
    how_to_begin_anew = "cdb clean, cdb up"
    how_to_reload_rules = how_to_restart
    how_to_add_grafana = f"install Grafana, then {how_to_restart}"

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        super().__init__(root, environ)
        found = Stack.attach(self.state_dir)
        self._started = found is not None
        self.stack = found or Stack(StackConfig.isolated(root, self.state_dir, parts=select(()), ports=Ports()))

    @property
    def not_running(self) -> str:
        """Names processes that are left, too."""
        left = self.stack.leftovers()
        rest = (
            f", but some of its processes are ({', '.join(left)}): `cdb down` ends them"
            if left
            else ": `make up` starts it"
        )
        return f"the stack in {self.state_dir} is not running{rest}; for the Docker stack, set CDB_STACK=compose"

    def parts(self) -> tuple[PartStatus, ...]:
        """Ask supervisord and each part's own probe."""
        return self.stack.status()

    def unbuilt(self) -> Mapping[str, NotBuilt]:
        """Parts that join when `cdb up` has built their programs."""
        return {part.name: missing.not_yet() for part in self.stack.config.parts if (missing := part.unbuilt())}

    def url(self, port: str, path: str = "") -> str:
        """Address, unless the part's program is not built yet."""
        for part in self.stack.config.parts:
            if port in part.ports and (missing := part.unbuilt()):
                raise missing.not_yet()
        return super().url(port, path)

    @cached_property
    def ports(self) -> Ports:
        """Ports it was started on, else those that the environment or .env choose."""
        return self.stack.config.ports if self._started else super().ports

    @cached_property
    def listening(self) -> Mapping[str, int]:
        """Ports of all parts that stay."""
        parts = (part for part in self.stack.config.parts if part.kind is not Kind.ONE_SHOT)
        return {port: self.ports[port] for part in parts for port in part.ports}

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """What it was started with, else what it would be."""
        config = self.stack.config
        return {**config.environment, **config.ports.environment()} if self._started else super().settings

    def changed_settings(self) -> list[str]:
        """Differences; without .env nothing can be said of what would be started now."""
        running = stack_record.read(self.stack.config.layout.record)
        if running is None or not envfile.read(self.root / ".env"):
            return []
        wanted = StackConfig.for_operator(self.root, self.environ, parts=self.stack.config.parts)
        return stack_record.differences(running, stack_record.describe(wanted))

    @property
    def disk(self) -> Path:
        """State directory."""
        return self.state_dir

    @property
    def workplace(self) -> Path:
        """Folder of the data."""
        return self.stack.config.layout.data

    def _clean_up(self) -> None:
        """Remove what a backup or a restore left that was killed; data that it had put aside are put back."""
        for left in (*self.workplace.glob(".backup-*"), *self.workplace.glob(".restore-*")):
            for aside in left.glob(f"*{_REPLACED}"):
                there = self.workplace / aside.name.removesuffix(_REPLACED)
                if not there.exists():
                    aside.rename(there)
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock that start and stop take."""
        self.require_running()
        with self.stack.held():
            self._clean_up()
            yield

    def start(self, names: Sequence[str]) -> None:
        """Start parts by supervisord."""
        for name in names:
            self.stack.start_part(name)

    def stop(self, names: Sequence[str]) -> None:
        """Stop parts by supervisord."""
        for name in names:
            self.stack.stop_part(name)

    def ledger_programs(self) -> LedgerPrograms:
        """Find this machine's programs; the password is in their environment, not among arguments that all can see."""
        address = LedgerAddress.of(read_settings(LedgerSettings, self.settings))  # not those of the environment
        ask = partial(_asked, address)
        folder = postgres_bin(str(int(ask("SHOW server_version_num")) // 10_000))
        given = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "PGHOST": address.host,
            "PGPORT": str(address.port),
            "PGUSER": address.user,
            "PGDATABASE": address.database,
            "PGPASSWORD": address.password.get_secret_value(),
            "PGCONNECT_TIMEOUT": "5",
            "PGOPTIONS": PGOPTIONS,
        }
        dump, restore, sql = ((str(folder / name), *rest) for name, *rest in (("pg_dump",), ("pg_restore",), PSQL))
        return LedgerPrograms(dump, restore, sql, given, ask)

    def migrate_ledger(self) -> None:
        """Run what the part migrate runs; supervisord does not give the program's error."""
        config = self.stack.config
        done = subprocess.run(
            [sys.executable, "-m", "services.migrate"],
            cwd=config.root,
            env=config.process_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError((done.stderr.splitlines() or [f"services.migrate: exit {done.returncode}"])[-1])

    def remove_streams(self, *names: str) -> None:
        """Remove streams by a client."""
        bus = read_settings(BusSettings, self.settings)
        with closing(
            connect(host=bus.redis_host, port=bus.redis_port, password=bus.redis_password.get_secret_value())
        ) as client:
            try:
                client.delete(*names)
            except redis.RedisError as error:
                raise ServerAway("Redis", error) from error

    def stored_bytes(self, part: str) -> int:
        """Add up its files; one may vanish meanwhile."""
        total = 0
        for file in (self.workplace / part).rglob("*"):
            with suppress(FileNotFoundError):
                total += file.stat().st_size
        return total

    def save_data(self, part: str, target: Path) -> None:
        """Copy the data while the part is stopped, and pack the copy when it runs again."""
        with tempfile.TemporaryDirectory(dir=self.workplace, prefix=".backup-") as folder:
            copied = Path(folder, part)
            with self.stopped(part):
                data_files.copy(self.workplace / part, copied)
            data_files.pack(copied, target)

    def replace_data(self, part: str, source: Path) -> None:
        """Unpack beside the data, and exchange the folders while the part is stopped."""
        with tempfile.TemporaryDirectory(dir=self.workplace, prefix=".restore-") as folder:
            fresh = Path(folder, part)
            data_files.unpack(source, fresh)
            with self.stopped(part):
                _exchange(self.workplace / part, fresh)

    def _servers(self, variable: str, *, elsewhere: bool = False) -> dict[str, str]:
        chosen = any(self.environ.get(name) for name in (variable, variable.replace("_HOST", "_PORT")))
        if not (self._started or elsewhere or self.environ.get(SECRETS_DIR)):
            shell.refuse_other_server(variable, self.settings)
            # What answers on the ports of .env is then the stack of somebody else, such as that of a copied checkout.
            if not chosen and envfile.read(self.root / ".env"):
                raise StackError(self.not_running)
        return super()._servers(variable, elsewhere=elsewhere)


def _asked(address: LedgerAddress, statement: str) -> str:
    with closing(Ledger(address, application="cdb-backup")) as ledger:
        return str(ledger.execute(statement)[0][0])


def _exchange(there: Path, fresh: Path) -> None:
    """Let *fresh* take the place of *there*, and that its own; if it cannot, leave both as they were."""
    aside = fresh.with_name(fresh.name + _REPLACED)
    there.rename(aside)
    try:
        fresh.rename(there)
    except OSError:
        aside.rename(there)
        raise
