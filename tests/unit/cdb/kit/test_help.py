"""What `--help` shows of commands and their parameters."""

import re

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from cdb.main import GROUPS, assembled


def help_of(*words: str) -> str:
    """`--help` of a command as a terminal of 120 columns shows it, without colours."""
    said = CliRunner().invoke(assembled(words), [*words, "--help"], env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"})
    assert said.exit_code == 0
    return re.sub(r"\x1b\[[\d;]*m", "", said.output)


def test_a_flag_shows_no_type() -> None:
    shown = help_of("clean") + help_of() + help_of("breaker")
    for flag in ("--yes", "--env", "--help", "--install-completion"):
        assert flag in shown
    assert "<bool>" not in shown


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("replay", "cdb replay [OPTIONS] FILE"),
        ("dashboard", "cdb dashboard [OPTIONS] [NAME]"),
        ("dead-letters show", "cdb dead-letters show [OPTIONS] ID"),
        ("dead-letters resend", "cdb dead-letters resend [OPTIONS] [ID]..."),
    ],
)
def test_an_argument_is_a_word_in_upper_case_without_braces(command: str, usage: str) -> None:
    result = CliRunner().invoke(assembled(), [*command.split(), "--help"], prog_name="cdb")
    assert f"Usage: {usage} " in re.sub(r"\x1b\[[\d;]*m", "", result.output)


def test_every_command_is_in_a_panel() -> None:
    shown = get_group(assembled()).commands
    assert {*shown} == {name for names in GROUPS.values() for name in names}
    panels = {getattr(command, "rich_help_panel", None) for command in shown.values()}
    assert panels == {"Stack", "Trading", "Monitoring", "Backup"}
