"""Replays whose ledger is saved: each has its own state directory, with the secrets its PostgreSQL was made with."""

import itertools
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cdb.kit.paths import ROOT
from cdb.running.native import Ports, Stack, StackConfig, StackError, select
from cdb.running.native.config import state_dir
from cdb.running.native.files import write_private
from services.ledger.connection import LedgerAddress
from services.settings import LedgerSettings, read

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_SECRETS: Final = "secrets.json"
SERVERS: Final = ("redis", "postgres", "migrate")


class Replays:
    """The saved replays under one directory."""

    def __init__(self, root: Path, directory: Path) -> None:
        self._root = root
        self._directory = directory

    @property
    def directory(self) -> Path:
        """Where they are."""
        return self._directory

    def names(self) -> list[str]:
        """Names of the saved replays."""
        return sorted(path.parent.name for path in self._directory.glob(f"*/{_SECRETS}"))

    def new_name(self, wish: str) -> str:
        """Make a name like *wish* that no replay has yet."""
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", wish).strip("-._")[:50] or "replay"
        candidates = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        return next(name for name in candidates if not self.exists(name))

    def secrets_file(self, name: str) -> Path:
        """Where the passwords of *name* are. Raises StackError unless it is a plain name."""
        if not _NAME.fullmatch(name):
            raise StackError(f"{name!r} is not a valid replay name: use letters, digits, '.', '_' and '-'")
        return self._directory / name / _SECRETS

    def exists(self, name: str) -> bool:
        """Tell whether there is a saved replay called *name*."""
        return self.secrets_file(name).is_file()

    def require(self, name: str) -> None:
        """Raise StackError, naming the saved replays, unless *name* is one of them."""
        if not self.exists(name):
            there = ", ".join(self.names()) or "none; `cdb replay FILE --keep` saves one"
            raise StackError(f"there is no replay {name!r}; saved: {there}")

    def config(self, name: str, parts: tuple[str, ...], environment: dict[str, str]) -> StackConfig:
        """Describe the stack of *name* on free ports; its secrets are made now if it is new."""
        secrets_file = self.secrets_file(name)
        if not secrets_file.exists():
            secrets_file.parent.mkdir(parents=True, exist_ok=True)
            made = {key: secrets.token_urlsafe(24) for key in ("POSTGRES_PASSWORD", "REDIS_PASSWORD")}
            write_private(secrets_file, json.dumps(made))
        own = json.loads(secrets_file.read_text(encoding="utf-8"))
        settings = {**environment, "POSTGRES_USER": "claire", "POSTGRES_DB": "claire_de_binaire", **own}
        return StackConfig.isolated(
            self._root, secrets_file.parent, parts=select(parts), environment=settings, ports=Ports.free()
        )

    @contextmanager
    def opened(self, name: str) -> Iterator[LedgerAddress]:
        """Start the PostgreSQL of *name* for as long as the with block lasts."""
        self.require(name)
        with Stack(self.config(name, ("postgres",), {})) as stack:
            yield address_of(stack.config)

    def remove(self, name: str) -> None:
        """Remove *name* with its ledger."""
        secrets_file = self.secrets_file(name)
        Stack(self.config(name, SERVERS, {})).remove()
        secrets_file.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it
            secrets_file.parent.rmdir()


def operators_replays() -> Replays:
    """Those beside the operator's stack."""
    return Replays(ROOT, state_dir(ROOT, os.environ) / "replays")


def address_of(config: StackConfig) -> LedgerAddress:
    """Where the ledger of a stack is."""
    return LedgerAddress.of(read(LedgerSettings, config.process_environment()))
