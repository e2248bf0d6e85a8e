"""The handbook's sections and commands, and the page about where they are here and what differs.

`python -m tests.support.handbook` writes the page anew.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

from tests.support.paths import ROOT

DATA: Final = ROOT / "tests" / "data" / "handbook_commands.yaml"
CONTAINERS: Final = ROOT / "tests" / "data" / "handbook_containers.yaml"
PAGE: Final = ROOT / "docs" / "handbook.md"
MAP: Final = ROOT / "tests" / "data" / "handbook_map.yaml"
_MAP_HEAD: Final = """# The handbook

Where each section of the German handbook is found here, what differs and why; then its commands, one by one.
`python -m tests.support.handbook` writes this page from `tests/data/handbook_*.yaml`.

| section | here | what differs |
|---|---|---|
"""
_CHECKLIST_HEAD: Final = """
## Before real use

The checklist of appendix B, in its order. `.venv/bin/cdb doctor` (of containers with `CDB_STACK=compose`) executes it,
and checks more: secrets, disk, clock, versions, that only this machine can reach it.

| | what | item of `cdb doctor` | by hand, or what differs |
|---|---|---|---|
"""
_HEAD: Final = """
## Without containers

Which commands of the handbook's validation sections (3.3, 6.1 to 6.5), and which `curl` lines of its other sections,
work as printed on a stack that `make up` has started, and what to type where one differs. Each is tried at the
documented ports by `tests/system/documented/test_handbook.py`.

| section | as printed | without containers |
|---|---|---|
"""
_CONTAINERS_HEAD: Final = """
## In containers

The handbook's commands about containers, on a stack that `make env && docker compose up -d` has started. What is in the
table above works there as printed, but for the test endpoint. Where a command differs, hardening is why: nothing is
published but on loopback, roots are read-only, networks are divided by need, and secrets are in files. Those with a *
are typed by no test; `tests/system/containers/test_handbook_commands.py` types the others. Grafana's container is in no
test: the tests run where no registry of images is reached, and Debian has no Grafana.

| section | as printed | in containers |
|---|---|---|
"""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One section of the handbook and where it is found here."""

    section: str
    found: str
    differs: str = ""


class Ticked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the handbook's checklist, the doctor's items that look at it and what is left to do by hand."""

    subject: str
    doctor: tuple[str, ...]
    by_hand: str = ""
    differs: str = ""


class Map(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where everything is found; *numbering* are all sections of the handbook."""

    numbering: tuple[str, ...]
    sections: tuple[Section, ...]
    checklist: tuple[Ticked, ...]


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


def sections() -> Map:
    """Return where each section of the handbook is found here."""
    return msgspec.yaml.decode(MAP.read_bytes(), type=Map)


def page() -> str:
    """Return the page that says where everything is found and which commands differ."""
    without = (command for found in commands().values() for command in found)
    return "".join(
        (
            *(_MAP_HEAD, *(f"| {one.section} | {one.found} | {one.differs} |\n" for one in sections().sections)),
            *(_CHECKLIST_HEAD, *(_ticked(*one) for one in enumerate(sections().checklist, start=1))),
            *(_HEAD, *map(_row, without)),
            *(_CONTAINERS_HEAD, *map(_row, container_commands())),
        )
    )


def _ticked(number: int, one: Ticked) -> str:
    rest = "; ".join(said for said in (one.by_hand, one.differs) if said)
    return f"| {number} | {one.subject} | {', '.join(one.doctor) or 'none'} | {rest} |\n"


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
