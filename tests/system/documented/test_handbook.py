"""Who follows the handbook's validation sections, line by line, sees what it promises."""

import os
import pty
import select
import subprocess
import time
from functools import partial

import pytest
from playwright.sync_api import Browser

from tests.support.browsing import look
from tests.support.handbook import Command, commands
from tests.support.programs import required_program
from tests.support.waiting import until
from tests.system.documented.documented_stack import Documented

pytestmark = pytest.mark.e2e

WITHIN_S = 120.0


@pytest.mark.parametrize("section", commands())
def test_each_line_of_a_section_shows_what_its_reader_expects(
    section: str, stack: Documented, browser: Browser
) -> None:
    for program, package in {"bash": "bash", "curl": "curl", "jq": "jq", "watch": "procps"}.items():
        required_program(program, package=package)
    for command in commands()[section]:
        if command.after:
            stack.shell(command.after)
        for line in command.tried():
            until(
                partial(missing, line, command, stack, browser),
                holds=lambda found: not found,
                within_s=WITHIN_S,
                every_s=0.5,
                what=f"what section {section} promises of: {line}",
            )


def test_a_line_that_differs_has_a_reason_and_a_command_that_works() -> None:
    for command in (command for section in commands().values() for command in section):
        assert bool(command.differs) == bool(command.instead), command.line
        assert command.sees, f"nothing is expected of: {command.line}"


def missing(line: str, command: Command, stack: Documented, browser: Browser) -> list[str]:
    """What *command* promises and *line* does not show, with the beginning of what it shows."""
    output = shown(line, command, stack, browser)
    lacking = command.missing(output)
    return [*lacking, f"in: {output:.1000}"] if lacking else []


def shown(line: str, command: Command, stack: Documented, browser: Browser) -> str:
    """What *line* shows: a page's text, or what the shell prints."""
    first, _, rest = line.partition(" ")
    if first == "open":
        return look(browser, rest, click=command.click).text
    if first == "watch":
        return watched(line, command, stack)
    return stack.shell(line).stdout


def watched(line: str, command: Command, stack: Documented, within_s: float = 20.0) -> str:
    """What a terminal shows of *line*, which does not end, as soon as it shows what it should."""
    terminal, its_end = pty.openpty()
    output = b""
    with subprocess.Popen(
        stack.command("bash", "-c", line), stdin=its_end, stdout=its_end, stderr=its_end, env=stack.environment()
    ) as process:
        os.close(its_end)
        deadline = time.monotonic() + within_s
        while command.missing(output.decode(errors="replace")) and time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1.0)[0]:
                continue
            try:
                output += os.read(terminal, 65_536)
            except OSError:  # nobody writes any more
                break
        process.terminate()
    os.close(terminal)
    return output.decode(errors="replace")
