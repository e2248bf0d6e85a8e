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
from cdb.running.native.layout import Layout
from services.ledger.connection import LedgerAddress
from services.settings import LedgerSettings, read

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_SECRETS: Final = ("POSTGRES_PASSWORD", "REDIS_PASSWORD")
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
        return sorted(place.name for place in self._directory.glob("*/") if self._saved(place))

    def new_name(self, wish: str) -> str:
        """Make a name like *wish* that no replay has yet."""
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", wish).strip("-._")[:50] or "replay"
        candidates = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        return next(name for name in candidates if not self._place(name).exists())

    def secrets_file(self, name: str) -> Path:
        """Where the passwords of *name* are. Raises StackError unless it is a plain name."""
        return Layout(self._place(name)).secrets

    def exists(self, name: str) -> bool:
        """Tell whether there is a saved replay called *name*."""
        return self._saved(self._place(name))

    def require(self, name: str) -> None:
        """Raise StackError, naming the saved replays or the command that replays it now, unless *name* is saved."""
        if self.exists(name):
            return
        if self._place(name).is_dir():
            with Stack(self.config(name, SERVERS, {})).held():
                pass
        there = ", ".join(self.names()) or "none; `cdb replay FILE --keep` saves one"
        raise StackError(f"there is no replay {name!r}; saved: {there}")

    def config(self, name: str, parts: tuple[str, ...], environment: dict[str, str]) -> StackConfig:
        """Describe the stack of *name* on free ports, with its secrets, which are made now if it is new."""
        settings = {**environment, "POSTGRES_USER": "claire", "POSTGRES_DB": "claire_de_binaire"}
        if (file := self.secrets_file(name)).is_file():
            settings.update(json.loads(file.read_text(encoding="utf-8")))
        else:
            settings.update({key: secrets.token_urlsafe(24) for key in _SECRETS})
        return StackConfig.isolated(
            self._root, self._place(name), parts=select(parts), environment=settings, ports=Ports.free()
        )

    @contextmanager
    def running(self, name: str, parts: tuple[str, ...], environment: dict[str, str]) -> Iterator[Stack]:
        """Run *parts* of *name* for as long as the with block lasts; no other command can use it meanwhile.

        At the end a new replay is removed that nobody told to `keep`. Raises InUse.
        """
        stack = Stack(self.config(name, parts, environment))
        with stack.held():
            try:
                if not self.exists(name):
                    self._begin(stack.config)
                stack.stop()  # what a command left running that was killed
                with stack:
                    yield stack
            finally:
                if self.exists(name):
                    stack.stop()
                else:
                    stack.remove()

    def keep(self, name: str) -> None:
        """Save *name*, which is running."""
        Layout(self._place(name)).unfinished.unlink(missing_ok=True)

    @contextmanager
    def opened(self, name: str) -> Iterator[LedgerAddress]:
        """Start the PostgreSQL of *name* for as long as the with block lasts."""
        self.require(name)
        with self.running(name, ("postgres",), {}) as stack:
            yield address_of(stack.config)

    def remove(self, name: str) -> None:
        """Remove *name* with its ledger. Raises InUse."""
        stack = Stack(self.config(name, SERVERS, {}))
        with stack.held():
            stack.config.layout.unfinished.touch()  # if this is killed, `sweep` does the rest
            stack.remove()

    def sweep(self) -> list[str]:
        """Clean up after commands that were killed: end their processes, remove what is not saved; gives the names."""
        swept = []
        for place in sorted(self._directory.glob("*/")):
            layout = Layout(place)
            if not (layout.unfinished.exists() or layout.record.exists()):
                continue
            with suppress(StackError):  # in use, or somebody else's
                stack = Stack.attach(place) or Stack(self.config(place.name, SERVERS, {}))
                with stack.held():
                    if self._saved(place):
                        stack.stop()
                    else:
                        stack.remove()
                swept.append(place.name)
        return swept

    def _place(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise StackError(f"{name!r} is not a valid replay name: use letters, digits, '.', '_' and '-'")
        return self._directory / name

    @staticmethod
    def _saved(place: Path) -> bool:
        layout = Layout(place)
        return layout.secrets.is_file() and not layout.unfinished.exists()

    @staticmethod
    def _begin(config: StackConfig) -> None:
        config.layout.unfinished.touch()
        made = {key: config.environment[key] for key in _SECRETS}
        write_private(config.layout.secrets, json.dumps(made))


def operators_replays() -> Replays:
    """Those beside the operator's stack."""
    return Replays(ROOT, state_dir(ROOT, os.environ) / "replays")


def address_of(config: StackConfig) -> LedgerAddress:
    """Where the ledger of a stack is."""
    return LedgerAddress.of(read(LedgerSettings, config.process_environment()))
