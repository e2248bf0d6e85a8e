"""The commands of the handbook, and the page about which of them differ here, without containers and in them.

`python -m tests.seen.handbook` writes the page anew.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

from tests.servers import ROOT

DATA: Final = ROOT / "tests" / "data" / "handbook_commands.yaml"
CONTAINERS: Final = ROOT / "tests" / "data" / "handbook_containers.yaml"
PAGE: Final = ROOT / "docs" / "handbook.md"
_HEAD: Final = """# The handbook's commands

## Without containers

Which commands of the handbook's validation sections (3.3, 6.1 to 6.5), and which `curl` lines of its other sections,
work as printed on a stack that `make up` has started, and what to type where one differs. Each is tried at the
documented ports by `tests/seen/test_handbook.py`.

| section | as printed | without containers |
|---|---|---|
"""
_CONTAINERS_HEAD: Final = """
## In containers

The handbook's commands about containers, on a stack that `make env && docker compose up -d` has started. What is in the
table above works there as printed, but for the test endpoint. Where a command differs, hardening is why: nothing is
published but on loopback, roots are read-only, networks are divided by need, and secrets are in files. Those with a *
are typed by no test; `tests/containers/test_handbook_commands.py` types the others. Grafana's container is in no test:
the tests run where no registry of images is reached, and Debian has no Grafana.

| section | as printed | in containers |
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
    not_tried: str = ""

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


def container_commands() -> list[Command]:
    """Return the commands about containers, in the handbook's order."""
    return msgspec.yaml.decode(CONTAINERS.read_bytes(), type=list[Command])


def page() -> str:
    """Return the page that says which commands differ."""
    without = (command for found in commands().values() for command in found)
    return _HEAD + "".join(map(_row, without)) + _CONTAINERS_HEAD + "".join(map(_row, container_commands()))


def _row(command: Command) -> str:
    other = f"{command.differs} {_code(command.instead)}" if command.differs else "works"
    return f"| {command.section} | {_code(command.line)} | {other}{' *' if command.not_tried else ''} |\n"


def _code(line: str) -> str:
    return "`" + line.replace("|", "\\|") + "`"


def main(path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
