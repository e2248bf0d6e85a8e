"""The decision table of docs/operations.md: the commands for the native stack and for containers."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.support.paths import ROOT

_PAGE: Final = ROOT / "docs" / "operations.md"
_HEADING: Final = "## What is wrong? A decision table"
_BETWEEN_CELLS: Final = re.compile(r"(?<!\\)\|")
_THE_SAME: Final = "the same"


@dataclass(frozen=True)
class Step:
    """One row of the table; *expected* describes a healthy stack."""

    native: str
    containers: str
    expected: str

    def is_well(self, done: "subprocess.CompletedProcess[str]") -> bool:
        """Whether the command's result is that of a healthy stack."""
        return done.returncode == 0 and (self.expected != "nothing" or not done.stdout)


def steps() -> list[Step]:
    table = _PAGE.read_text(encoding="utf-8").split(_HEADING, 1)[1]
    rows = [_BETWEEN_CELLS.split(line)[1:-1] for line in table.splitlines() if line.startswith("| ")]
    return [_step(*(cell.strip() for cell in row)) for row in rows if row[0].strip() != "step"]


def type_in(command: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run *command* by bash in the project's root; it fails if any command of a pipe fails."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _step(_: str, native: str, containers: str, expected: str, _else: str) -> Step:
    there = _command(native)
    return Step(there, there if containers.startswith(_THE_SAME) else _command(containers), expected)


def _command(cell: str) -> str:
    found = re.fullmatch(r"`([^`]+)`", cell)
    assert found, f"no command: {cell}"
    return found[1].replace("\\|", "|")
