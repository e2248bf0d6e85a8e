"""Replays whose ledger was kept: each a state directory of its own, with the secrets its PostgreSQL was made with."""

import itertools
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cdb.running.native import Ports, Stack, StackConfig, StackError, select
from cdb.running.native.files import write_private
from services.ledger.connection import Ledger, LedgerAddress
from services.settings import LedgerSettings, read

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_SECRETS: Final = "secrets.json"
SERVERS: Final = ("redis", "postgres", "migrate")


class Replays:
    """The replays under one directory."""

    def __init__(self, root: Path, directory: Path) -> None:
        self._root = root
        self._directory = directory

    def names(self) -> list[str]:
        """Return the names of those that were kept."""
        return sorted(path.parent.name for path in self._directory.glob(f"*/{_SECRETS}"))

    def new_name(self, wish: str) -> str:
        """Return a name like *wish* that no replay has yet."""
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", wish).strip("-._")[:50] or "replay"
        candidates = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        return next(name for name in candidates if not self.exists(name))

    def place(self, name: str) -> Path:
        """Return the state directory of *name*; raise StackError unless it is a plain name."""
        if not _NAME.fullmatch(name):
            raise StackError(f"{name!r} is no name for a replay: letters, digits, '.', '_' and '-' are allowed")
        return self._directory / name

    def exists(self, name: str) -> bool:
        """Tell whether *name* was kept."""
        return (self.place(name) / _SECRETS).is_file()

    def require(self, name: str) -> None:
        """Raise StackError, naming those there are, unless *name* was kept."""
        if not self.exists(name):
            there = ", ".join(self.names()) or "none; `cdb replay FILE --keep` makes one"
            raise StackError(f"no replay is called {name!r}: there are {there}")

    def config(self, name: str, parts: tuple[str, ...], environment: dict[str, str]) -> StackConfig:
        """Return the stack of *name* on free ports, with its own secrets, made now if it is new."""
        place = self.place(name)
        secrets_file = place / _SECRETS
        if not secrets_file.exists():
            place.mkdir(parents=True, exist_ok=True)
            made = {key: secrets.token_urlsafe(24) for key in ("POSTGRES_PASSWORD", "REDIS_PASSWORD")}
            write_private(secrets_file, json.dumps(made))
        own = json.loads(secrets_file.read_text(encoding="utf-8"))
        settings = {**environment, "POSTGRES_USER": "claire", "POSTGRES_DB": "claire_de_binaire", **own}
        return StackConfig.isolated(self._root, place, parts=select(parts), environment=settings, ports=Ports.free())

    @contextmanager
    def opened(self, name: str) -> Iterator[LedgerAddress]:
        """Start the PostgreSQL of *name* for as long as the with block lasts."""
        self.require(name)
        with Stack(self.config(name, ("postgres",), {})) as stack:
            yield address_of(stack.config)

    def remove(self, name: str) -> None:
        """Remove *name* with its ledger."""
        place = self.place(name)
        Stack(self.config(name, SERVERS, {})).remove()
        (place / _SECRETS).unlink(missing_ok=True)
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def address_of(config: StackConfig) -> LedgerAddress:
    """Return the address of a stack's ledger."""
    return LedgerAddress.of(read(LedgerSettings, config.process_environment()))


def ledger_of(config: StackConfig) -> Ledger:
    """Return a connection to a stack's ledger."""
    return Ledger(address_of(config), application="cdb-replay")
