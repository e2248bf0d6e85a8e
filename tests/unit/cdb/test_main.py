"""Which groups of commands are imported for a command line."""

import subprocess
import sys
from importlib import import_module

import pytest
import typer
from typer.main import get_group
from typer.testing import CliRunner

from cdb.main import GROUPS, assembled


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_imported_for_the_commands_that_it_registers(group: str) -> None:
    alone = typer.Typer(callback=lambda: None)
    import_module(f"cdb.{group}.command").register(alone)
    assert tuple(get_group(alone).commands) == GROUPS[group]


@pytest.mark.parametrize("words", [(), ("--help",), ("audti",)])
def test_where_no_command_is_named_there_are_all(words: tuple[str, ...]) -> None:
    assert {*get_group(assembled(words)).commands} == {name for names in GROUPS.values() for name in names}


def test_a_command_is_called_as_if_all_were_there() -> None:
    said = [CliRunner().invoke(assembled(words), ["audit", "--help"]).output for words in ((), ("audit",))]
    assert said[0] == said[1]
    assert "cdb audit" in said[0]


def loaded_by(*words: str) -> set[str]:
    """Names of the modules that a command line imports, in a process of its own."""
    program = f"import sys; from cdb.main import assembled; assembled({words!r}); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_an_audit_imports_no_web_framework_and_no_other_command() -> None:
    loaded = loaded_by("audit")
    assert {name for name in loaded if name.startswith("cdb.") and name.endswith(".command")} == {"cdb.audit.command"}
    assert not loaded & {"flask", "waitress", "werkzeug"}


def test_no_command_imports_a_web_framework() -> None:
    loaded = loaded_by()
    assert {f"cdb.{group}.command" for group in GROUPS} <= loaded
    assert not loaded & {"flask", "waitress", "werkzeug"}
