"""A stack in containers, as a backup sees it: the engine runs PostgreSQL's programs, and reads and writes volumes.

No password is needed for the ledger: whoever is inside its container may use the socket. That of the bus is read from
its file there, and stays there.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from cdb.backup import tree, volume
from cdb.backup.ledger import PGOPTIONS, Programs
from cdb.backup.premises import BACK_S, LOOK_S, READY_S, TRADERS
from cdb.running.compose import engine
from cdb.running.compose.engine import Container, docker
from cdb.running.native import Failure, Ports, StackError
from cdb.running.native.lock import locked
from services.errors import ServerAway
from services.ledger.connection import SCHEMA_VERSION

_POSTGRES: Final = "cdb_postgres"
_REDIS: Final = "cdb_redis"
_CONTAINERS: Final = {**{part: name for part, (name, _) in volume.PLACES.items()}, **{name: name for name in TRADERS}}
"""The container of each part that is stopped."""
_TURN_S: Final = 120.0  # to start or stop; each is given its stop_grace_period
_DELETE: Final = 'REDISCLI_AUTH="$(cat /run/secrets/redis/REDIS_PASSWORD)" redis-cli del "$@"'


class InContainers:
    """A stack in containers; nobody else may save or replace it while one of these is *held*."""

    def __init__(self, project: str, workplace: Path) -> None:
        self._project = project
        self._workplace = workplace
        self._ran = frozenset(one.service for one in engine.look(project) if one.active)

    @classmethod
    @contextmanager
    def held(cls, environ: Mapping[str, str], state: Path) -> Iterator["InContainers"]:
        """Yield the running stack; raise StackError if none runs, or another command is at work on it."""
        found = cls(engine.project(environ), state)
        if not found._ran:
            raise StackError("no stack runs in containers: `docker compose up -d` starts it")
        for needed in (_POSTGRES, _REDIS):
            if needed not in found._ran:
                raise StackError(f"{needed} does not run: `docker compose ps --all` shows why")
        state.mkdir(parents=True, exist_ok=True)
        with locked(state / "containers.lock"):
            yield found

    @property
    def ports(self) -> Ports:
        """Return where its parts answer."""
        return Ports(**{**dict.fromkeys(Ports.variables(), 0), **engine.published(self._look())})

    @property
    def parts(self) -> frozenset[str]:
        """Return the names of its parts that can be stopped."""
        there = {one.service for one in self._look()}
        return frozenset(part for part, container in _CONTAINERS.items() if container in there)

    @property
    def status(self) -> str:
        """Return the command that shows how its parts are."""
        return "docker compose ps --all"

    @property
    def workplace(self) -> Path:
        """Return the project's folder of state."""
        return self._workplace

    def programs(self) -> Programs:
        """Return PostgreSQL's programs in its container; raise StackError if the ledger is of another version."""
        content = docker("inspect", "--format", "{{json .Config.Env}}", _POSTGRES)
        told = dict(one.split("=", 1) for one in msgspec.json.decode(content, type=list[str]))
        names = {"PGUSER": told["POSTGRES_USER"], "PGDATABASE": told["POSTGRES_DB"], "PGOPTIONS": PGOPTIONS}
        chosen = [word for name, value in {**names, "LC_ALL": "C"}.items() for word in ("--env", f"{name}={value}")]
        inside = ("exec", "--interactive", *chosen, _POSTGRES)
        ask = partial(_asked, inside)
        schema = ask("SELECT version_num FROM alembic_version")
        if schema != SCHEMA_VERSION:
            raise StackError(f"the running ledger has schema {schema}, this version of the project {SCHEMA_VERSION}")
        return Programs(
            dump=("docker", *inside, "pg_dump"),
            restore=("docker", *inside, "pg_restore"),
            database=names["PGDATABASE"],
            environment=os.environ,
            ask=ask,
        )

    def remove_streams(self, *names: str) -> None:
        """Remove streams from the bus."""
        said = docker("exec", _REDIS, "sh", "-c", _DELETE, "sh", *names).strip()
        if not said.isdigit():  # redis-cli ends well even if it was refused
            raise ServerAway("Redis", said)

    def save_tree(self, part: str, target: Path) -> None:
        """Write the data of *part* to *target*; wait a minute at most until it works again."""
        copied = target.with_name(f"{part}.tar")
        try:
            with self.stopped(part):
                volume.read(part, copied)
            tree.repack(copied, target)
        finally:
            copied.unlink(missing_ok=True)
        self._unready(self._ran & {_CONTAINERS[part]}, BACK_S)

    def replace_tree(self, part: str, source: Path) -> None:
        """Replace the data of *part*; the old ones go when the new ones are in place."""
        tree.refuse_strangers(source)
        volume.receive(part, source)
        with self.stopped(part):
            volume.exchange(part)
        volume.clear(part)  # not after a failure, which may have left the old ones there

    @contextmanager
    def stopped(self, *parts: str) -> Iterator[None]:
        """Stop those of *parts* that run, and start them again at the end; who was stopped by hand stays so."""
        wanted = {_CONTAINERS[part] for part in parts}
        names = [one.service for one in self._look() if one.active and one.service in wanted]
        try:
            _stop(names)
            yield
        finally:
            if names:
                docker("start", *names, within_s=_TURN_S)

    def wait_ready(self) -> Failure | None:
        """Wait until every container that ran at the beginning does its work; return one that does not."""
        unready = self._unready(self._ran, READY_S)
        return Failure(unready.service, unready.status, []) if unready else None

    def _unready(self, names: frozenset[str], within_s: float) -> Container | None:
        deadline = time.monotonic() + within_s
        while True:
            unready = next((one for one in self._look() if one.service in names and not one.part().ready), None)
            if unready is None or time.monotonic() > deadline:
                return unready
            time.sleep(LOOK_S)

    def _look(self) -> tuple[Container, ...]:
        return engine.look(self._project)


def _stop(names: list[str]) -> None:
    if not names:
        return
    try:
        docker("stop", *names, within_s=_TURN_S)
    except BaseException:
        with suppress(StackError):  # the engine goes on with what was interrupted: be behind it
            docker("stop", *names, within_s=_TURN_S)
        raise


def _asked(inside: tuple[str, ...], statement: str) -> str:
    return docker(*inside, "psql", "-XqAt", "--set=ON_ERROR_STOP=1", f"--command={statement}").strip()
