"""Who says whether an expression is PromQL: the Prometheus in use, for each version has a grammar of its own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

import yaml

from cdb.check.files import FileError
from cdb.kit.prometheus import Prometheus, QueryRefused

_RECORD: Final = "expression_"
_REFUSED: Final = re.compile(rf'rule \d+, "{_RECORD}(\d+)": (?:could not parse expression: )?(.+)')
_VERSION: Final = re.compile(r"version (\S+)")
_WITHIN_S: Final = 60.0


class Judge(Protocol):
    """A program that has the grammar, called *name*."""

    @property
    def name(self) -> str:
        """Program and version."""

    def refused(self, expressions: Iterable[str]) -> Mapping[str, str]:
        """Say of each of *expressions* that is no PromQL why it is none."""


@dataclass(frozen=True)
class Server:
    """The Prometheus that runs. Raises Away."""

    prometheus: Prometheus

    @property
    def name(self) -> str:
        """Version that the server has."""
        return f"Prometheus {self.prometheus.version()}"

    def refused(self, expressions: Iterable[str]) -> Mapping[str, str]:
        """Have the server parse each."""
        found: dict[str, str] = {}
        for expression in expressions:
            try:
                self.prometheus.formatted(expression)
            except QueryRefused as error:
                found[expression] = str(error)
        return found


@dataclass(frozen=True)
class Promtool:
    """The tool that comes with Prometheus; needs no server."""

    program: str

    @classmethod
    def installed(cls) -> Self | None:
        """Find it on this machine."""
        program = shutil.which("promtool", path=os.pathsep.join((f"{sys.prefix}/bin", os.environ.get("PATH", ""))))
        return cls(program) if program else None

    @property
    def name(self) -> str:
        """Version that is installed."""
        found = _VERSION.search(self._run("--version").stdout)
        return f"promtool {found[1] if found else '(unknown version)'}"

    def refused(self, expressions: Iterable[str]) -> Mapping[str, str]:
        """Have all parsed at once, as the rules of one file. Raises FileError if that fails."""
        asked = [*expressions]
        rules = [{"record": f"{_RECORD}{number}", "expr": text} for number, text in enumerate(asked)]
        with tempfile.TemporaryDirectory(prefix="cdb-check-") as folder:
            file = Path(folder, "rules.yml")
            file.write_text(yaml.safe_dump({"groups": [{"name": "check", "rules": rules}]}), encoding="utf-8")
            done = self._run("check", "rules", "--lint=none", str(file))
        found = {asked[int(number)]: why for number, why in _REFUSED.findall(done.stderr)}
        if done.returncode and not found:
            raise FileError(f"{self.program} check rules: {' '.join(done.stderr.split()) or done.returncode}")
        return found

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(  # noqa: S603  the machine's promtool, our own arguments
                [self.program, *arguments], capture_output=True, text=True, timeout=_WITHIN_S, check=False
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise FileError(f"{self.program} cannot be run: {error}") from error
