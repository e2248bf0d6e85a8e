"""What grids have finished, in a file of JSON lines, each under a key made of all that its figures come from.

A line that cannot be read, such as one that was cut off, counts for nothing.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cdb.backtest.grid import Combination
from cdb.backtest.outcome import Outcome
from cdb.backtest.times import Span
from cdb.kit.paths import ROOT
from cdb.replay.tape import Tape
from services.decoding import prepared

_CODE: Final = ("cdb/backtest/*.py", "cdb/performance/rows.py", "cdb/replay/*.py", "services/**/*.py")
"""Files of ours that figures may depend on: rules, defaults of settings, how files are read, what is counted."""


class Line(msgspec.Struct, frozen=True):
    """One finished backtest. *settings* are there for whoever looks into the file."""

    key: str
    settings: dict[str, str]
    outcome: Outcome


class Kept:
    """The file at *path*, which need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Outcome]:
        """All outcomes by their keys."""
        return {line.key: line.outcome for line in self._lines()}

    def add(self, key: str, settings: Combination, outcome: Outcome) -> None:
        """Append one, in one write: commands at work on other grids may do the same."""
        line = msgspec.json.encode(Line(key, dict(settings), outcome))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write((b"" if self._ends_well() else b"\n") + line + b"\n")

    def _lines(self) -> Iterator[Line]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        for line in content.splitlines():
            try:
                yield msgspec.json.decode(line, type=prepared(Line))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue

    def _ends_well(self) -> bool:
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            return file.read() in {b"", b"\n"}


class Keys:
    """Makes the key of each backtest of *tapes*. Contents are hashed once, here; names and times of files are not."""

    def __init__(self, tapes: Sequence[Tape], code: str) -> None:
        self._common = [code, *(_of_tape(tape) for tape in tapes)]

    def key(self, settings: Mapping[str, str], span: Span) -> str:
        """Of a backtest with *settings*: those that have an effect."""
        content = [self._common, sorted(settings.items()), span.since_ns, span.until_ns]
        return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def code_digest(strategies: Iterable[str]) -> str:
    """Hash our code, and the folders of *strategies* that are somebody else's: module:Class, already imported."""
    files = [file for pattern in _CODE for file in ROOT.glob(pattern)]
    for name in strategies:
        module = sys.modules.get(name.partition(":")[0])
        if ":" in name and module is not None and module.__file__:
            files += Path(module.__file__).parent.glob("*.py")
    digest = hashlib.sha256()
    for file in sorted(set(files)):
        digest.update(msgspec.json.encode([file.name, file.read_text(encoding="utf-8", errors="replace")]))
    return digest.hexdigest()


def _of_tape(tape: Tape) -> str:
    with tape.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{digest} {msgspec.json.encode(tape.reading).decode()}"
