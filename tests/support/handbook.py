"""The handbook's sections and commands, and docs/handbook.md, the page that says what became of them.

`python -m tests.support.handbook` writes the page.
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

What became of each section of the German handbook, what differs and why; then its commands, one by one. This page is
generated: change `tests/data/handbook_*.yaml` and run `python -m tests.support.handbook`.

| section | here | what differs |
|---|---|---|
"""
_CHECKLIST_HEAD: Final = """
## Before real use

The checklist of appendix B, in its order. `.venv/bin/cdb doctor` runs it (for containers with `CDB_STACK=compose`),
and also checks secrets, disk, clock, versions, and that only this machine can reach the bot.

| | what | item of `cdb doctor` | by hand, or what differs |
|---|---|---|---|
"""
_HEAD: Final = """
## Without containers

The commands of the handbook's validation sections (3.3, 6.1 to 6.5) and the `curl` lines of its other sections, on a
stack that `make up` started: does it work as printed, and if not, what to type instead.
`tests/system/documented/test_handbook.py` tries each at the documented ports.

| section | as printed | without containers |
|---|---|---|
"""
_CONTAINERS_HEAD: Final = """
## In containers

The handbook's commands about containers, on a stack that `make env && docker compose up -d` started. The commands of
the table above also work there as printed, except the test endpoint. Where a command differs, hardening is the
reason: ports are published on loopback only, roots are read-only, networks are separate, and secrets are in files.
`tests/system/containers/test_handbook_commands.py` runs all commands except those marked with *. No test runs
Grafana's container, because the tests have no image registry and Debian has no Grafana.

| section | as printed | in containers |
|---|---|---|
"""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of the handbook and its place here."""

    section: str
    found: str
    differs: str = ""


class Ticked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the handbook's checklist, the doctor's items that check it, and what is left to do by hand."""

    subject: str
    doctor: tuple[str, ...]
    by_hand: str = ""
    differs: str = ""


class Map(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place of each section here; *numbering* lists all sections of the handbook."""

    numbering: tuple[str, ...]
    sections: tuple[Section, ...]
    checklist: tuple[Ticked, ...]


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command of the handbook and what its reader expects; the data file explains the fields."""

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
        """The commands to try: as printed or their replacement, without `.venv/bin/`, which is on the path."""
        line = (self.tried_as or self.instead or self.line).replace(".venv/bin/", "")
        return tuple(line.replace("<port>", str(port)) for port in self.ports) or (line,)

    def missing(self, shown: str) -> list[str]:
        """What its reader expects and *shown* lacks."""
        unseen = [pattern for pattern in self.sees if not re.search(pattern, shown, re.MULTILINE)]
        few = len(shown.splitlines()) < self.lines
        return [*unseen, *([f"{self.lines} lines"] if few else [])]


def commands() -> dict[str, list[Command]]:
    """The commands of each section, in the handbook's order."""
    found: dict[str, list[Command]] = {}
    for command in msgspec.yaml.decode(DATA.read_bytes(), type=list[Command]):
        found.setdefault(command.section, []).append(command)
    return found


def container_commands() -> list[Command]:
    """The commands about containers, in the handbook's order."""
    return msgspec.yaml.decode(CONTAINERS.read_bytes(), type=list[Command])


def sections() -> Map:
    """The place of each section here."""
    return msgspec.yaml.decode(MAP.read_bytes(), type=Map)


def page() -> str:
    """The text of docs/handbook.md."""
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
