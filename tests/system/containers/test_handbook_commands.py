"""Who types the handbook's commands about containers sees what it promises."""

import os
import subprocess
from typing import Final

import pytest

from tests.support.handbook import Command, container_commands
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.containers.compose import read

TRIED: Final = [command for command in container_commands() if not command.not_tried]


@pytest.mark.skipif(os.environ.get("CDB_STACK") != "compose", reason="needs the stack in containers: CDB_STACK=compose")
@pytest.mark.parametrize("command", TRIED, ids=lambda command: command.line)
def test_each_line_shows_what_its_reader_expects(command: Command) -> None:
    (line,) = command.tried()
    typed = f"{command.after}\n{line}"

    def missing() -> list[str]:
        done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120)
        shown = done.stdout + done.stderr
        lacking = command.missing(shown)
        return [*lacking, f"in: {shown:.1000}"] if lacking else []

    until(missing, holds=lambda found: not found, within_s=120, every_s=1, what=f"what is promised of: {line}")


def test_a_line_is_tried_with_something_to_see_or_has_a_reason_why_not() -> None:
    for command in container_commands():
        assert bool(command.sees) != bool(command.not_tried), command.line
        assert bool(command.differs) == bool(command.instead), command.line


def test_every_container_that_is_named_exists() -> None:
    services = read()["services"]
    networks, volumes = read()["networks"], read()["volumes"]
    for command in container_commands():
        named = {word.split(":")[0] for word in f"{command.line} {command.instead}".split() if word.startswith("cdb_")}
        assert named <= {*services, *networks, *volumes, "cdb_services"}, command.line
