"""The operator's stack in containers: the engine is asked, runs PostgreSQL's programs, and reads and writes volumes.

No password is needed for the ledger: whoever is inside its container may use the socket. That of the bus is read from
its file there, and stays there.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Final

import msgspec

from cdb.running import data_files
from cdb.running.base import PGOPTIONS, PSQL, LedgerPrograms, RunningStack
from cdb.running.compose import engine, volume
from cdb.running.compose.engine import docker
from cdb.running.errors import StackError
from cdb.running.native import PartStatus, Ports, envfile
from cdb.running.native.lock import locked
from services.decoding import prepared
from services.errors import ServerAway
from services.ledger.connection import SCHEMA_VERSION

_POSTGRES: Final = "cdb_postgres"
_REDIS: Final = "cdb_redis"
_MIGRATE: Final = "cdb_migrate"
_TURN_S: Final = 120.0  # to start or stop; each is given its stop_grace_period
_DELETE: Final = 'REDISCLI_AUTH="$(cat /run/secrets/redis/REDIS_PASSWORD)" redis-cli del "$@"'


class ComposeStack(RunningStack):
    """The stack that `docker compose up` has started; needs only the docker command, no .env."""

    way = "compose"
    status_command = "docker compose ps --all"
    where_to_look = f"{status_command}, then docker compose logs of the part"
    how_to_restart = "docker compose up -d --build"
    how_to_begin_anew = "docker compose down --volumes, docker compose up -d"
    how_to_reload_rules = "docker compose restart cdb_prometheus"  # to Compose a mounted file is always the same
    how_to_add_grafana = "docker compose up -d cdb_grafana"
    not_running = "the Docker stack is not running: `docker compose up -d` starts it"

    def parts(self) -> tuple[PartStatus, ...]:
        """Ask the engine."""
        found = self._look()
        if not any(one.active for one in found):
            return ()
        return tuple(sorted((one.part() for one in found), key=lambda part: part.name))

    @cached_property
    def ports(self) -> Ports:
        """Ports that are published now, 0 for others; if none is, those that the environment or .env choose."""
        with suppress(StackError):  # the engine cannot be asked
            if self.listening:
                return Ports(**{**dict.fromkeys(Ports(), 0), **self.listening})
        return super().ports

    @cached_property
    def listening(self) -> Mapping[str, int]:
        """Ports that are published now."""
        return engine.published(self._look())

    def changed_settings(self) -> list[str] | None:
        """Ask Compose what `up` would change, if it is there. Secrets and the contents of files are not in its hashes.

        It writes on each container the hash of what it was made of.
        """
        try:
            docker("compose", "version")
        except StackError:
            return None
        there = {one.service: one.made_of for one in self._look()}
        hashes = docker("compose", "config", "--hash", "*", root=self.root, environ=self.environ).splitlines()
        wanted = dict(line.split(maxsplit=1) for line in hashes)
        return [
            f"{service} {'was changed' if service in there else 'was not started'}"
            for service, made_of in sorted(wanted.items())
            if there.get(service) != made_of
        ]

    @property
    def disk(self) -> Path:
        """Folder of the engine."""
        return Path(docker("info", "--format", "{{.DockerRootDir}}").strip())

    @property
    def workplace(self) -> Path:
        """State directory, which holds nothing else in this way to run."""
        return self.state_dir

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a lock of its own; raises StackError, too, if PostgreSQL or Redis does not run."""
        self.require_running()
        for needed in (_POSTGRES, _REDIS):
            part = self.part(needed)
            if part is None or not part.active:
                raise StackError(f"{needed} is not running: `{self.status_command}` shows why")
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with locked(self.state_dir / "containers.lock", "the Docker stack"):
            yield

    def start(self, names: Sequence[str]) -> None:
        """Start containers."""
        if names:
            docker("start", *names, within_s=_TURN_S)

    def stop(self, names: Sequence[str]) -> None:
        """Stop containers. If it is interrupted the engine still goes on with it: wait for that."""
        if not names:
            return
        try:
            docker("stop", *names, within_s=_TURN_S)
        except BaseException:
            with suppress(StackError):
                docker("stop", *names, within_s=_TURN_S)
            raise

    def ledger_programs(self) -> LedgerPrograms:
        """Take the programs in PostgreSQL's container; raises StackError if the ledger has another schema."""
        content = docker("inspect", "--format", "{{json .Config.Env}}", _POSTGRES)
        told = dict(one.split("=", 1) for one in msgspec.json.decode(content, type=prepared(list[str])))
        names = {"PGUSER": told["POSTGRES_USER"], "PGDATABASE": told["POSTGRES_DB"], "PGOPTIONS": PGOPTIONS}
        chosen = [word for name, value in {**names, "LC_ALL": "C"}.items() for word in ("--env", f"{name}={value}")]
        inside = ("exec", "--interactive", *chosen, _POSTGRES)
        ask = partial(_asked, inside)
        schema = ask("SELECT version_num FROM alembic_version")
        if schema != SCHEMA_VERSION:
            raise StackError(f"the running ledger has schema {schema}, but this version needs {SCHEMA_VERSION}")
        dump, restore, sql = (("docker", *inside, *words) for words in (("pg_dump",), ("pg_restore",), PSQL))
        return LedgerPrograms(dump, restore, sql, os.environ, ask)

    def migrate_ledger(self) -> None:
        """Run its container once more. If that is interrupted the container goes on: end it."""
        try:
            docker("start", "--attach", _MIGRATE, within_s=None)
        except BaseException:
            with suppress(StackError):
                docker("stop", _MIGRATE, within_s=_TURN_S)
            raise

    def remove_streams(self, *names: str) -> None:
        """Remove streams in Redis' container."""
        said = docker("exec", _REDIS, "sh", "-c", _DELETE, "sh", *names).strip()
        if not said.isdigit():  # redis-cli ends well even if it was refused
            raise ServerAway("Redis", said)

    def stored_bytes(self, part: str) -> int:
        """Ask the container, if it runs."""
        with suppress(StackError):
            return volume.stored_bytes(part)
        return 0

    def save_data(self, part: str, target: Path) -> None:
        """Let the engine copy the data while the container is stopped."""
        copied = target.with_name(f"{part}.tar")
        try:
            with self.stopped(part):
                volume.read(part, copied)
            data_files.repack(copied, target)
        finally:
            copied.unlink(missing_ok=True)

    def replace_data(self, part: str, source: Path) -> None:
        """Unpack beside the data, exchange them while the container is stopped, and remove the old."""
        data_files.refuse_strangers(source)
        volume.receive(part, source)
        with self.stopped(part):
            volume.exchange(part)
        volume.clear(part)  # not after a failure, which may have left the old ones there

    def _servers(self, variable: str, *, elsewhere: bool = False) -> dict[str, str]:
        if not (elsewhere or self.environ.get(variable)):
            raise StackError(
                "only containers of the Docker stack can reach its ledger and bus: run the command in one, such as "
                "docker compose run --rm cdb audit"
            )
        return super()._servers(variable, elsewhere=elsewhere)

    def _look(self) -> tuple[engine.Container, ...]:
        return engine.look(engine.project({**envfile.read(self.root / ".env"), **self.environ}))


def _asked(inside: tuple[str, ...], statement: str) -> str:
    return docker(*inside, *PSQL, "--no-align", "--tuples-only", f"--command={statement}").strip()
