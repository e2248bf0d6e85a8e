"""The commands of the handbook, and the page about which of them differ without containers.

`python -m tests.seen.handbook` writes the page anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tests.servers import ROOT

DATA: Final = ROOT / "tests" / "data" / "handbook_commands.yaml"
PAGE: Final = ROOT / "docs" / "handbook.md"
_HEAD: Final = """# The handbook's commands without containers

Which commands of the handbook's validation sections (3.3, 6.1 to 6.5), and which `curl` lines of its other sections,
work as printed on a stack that `make up` has started, and what to type where one differs. Each is tried at the
documented ports by `tests/seen/test_handbook.py`.

| section | as printed | without containers |
|---|---|---|
"""


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the handbook and what its reader expects; the fields are explained in the data file."""

    section: str
    line: str
    sees: tuple[str, ...] = ()
    lines: int = 0
    ports: tuple[int, ...] = ()
    after: str = ""
    click: str = ""
    differs: str = ""
    instead: str = ""
    tried_as: str = ""

    def tried(self) -> tuple[str, ...]:
        """Return the lines to try: as printed, or what stands for it; programs of the project are on the path."""
        line = (self.tried_as or self.instead or self.line).replace(".venv/bin/", "")
        return tuple(line.replace("<port>", str(port)) for port in self.ports) or (line,)

    def missing(self, shown: str) -> list[str]:
        """Return what its reader expects and does not find in *shown*."""
        unseen = [pattern for pattern in self.sees if not re.search(pattern, shown, re.MULTILINE)]
        few = len(shown.splitlines()) < self.lines
        return [*unseen, *([f"{self.lines} lines"] if few else [])]


def commands() -> dict[str, list[Command]]:
    """Return the commands of each section, in the handbook's order."""
    found: dict[str, list[Command]] = {}
    for command in msgspec.yaml.decode(DATA.read_bytes(), type=list[Command]):
        found.setdefault(command.section, []).append(command)
    return found


def page() -> str:
    """Return the page that says which commands differ."""
    return _HEAD + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    for section, found in commands().items():
        for command in found:
            other = f"{command.differs} {_code(command.instead)}" if command.differs else "works"
            yield f"| {section} | {_code(command.line)} | {other} |"


def _code(line: str) -> str:
    return "`" + line.replace("|", "\\|") + "`"


def main(path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
