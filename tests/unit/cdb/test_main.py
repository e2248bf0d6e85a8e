"""Which groups of commands are imported for a command line."""

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest
import typer
from typer.main import get_group
from typer.testing import CliRunner

from cdb.main import GROUPS, assembled


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_imported_for_the_commands_that_it_registers(group: str) -> None:
    alone = typer.Typer(callback=lambda: None)
    import_module(f"cdb.{group}.command").register(alone)
    assert tuple(get_group(alone).commands) == tuple(GROUPS[group])


@pytest.mark.parametrize("words", [None, (), ("--help",), ("audti",)])
def test_where_no_command_is_named_there_are_all(words: tuple[str, ...] | None) -> None:
    assert {*get_group(assembled(words)).commands} == {name for names in GROUPS.values() for name in names}


def test_a_command_is_called_as_if_all_were_there() -> None:
    said = [CliRunner().invoke(assembled(words), ["audit", "--help"]).output for words in (None, ("audit",))]
    assert said[0] == said[1]
    assert "cdb audit" in said[0]


@pytest.mark.parametrize("words", [["--help"], [], ["audti"]])
def test_what_is_only_listed_reads_as_if_it_were_imported(words: list[str]) -> None:
    said = [CliRunner().invoke(assembled(imported), words) for imported in (None, words)]
    assert said[0].output == said[1].output
    assert said[0].exit_code == said[1].exit_code == (2 if "audti" in words else 0)
    assert "recompute the ledger" in said[0].output.lower() or "'audit'" in said[0].output


@pytest.mark.parametrize("group", [[], ["replays"], ["dead-letters"], ["breaker"], ["check"], ["trace"]])
def test_a_group_alone_shows_its_help_and_has_succeeded(group: list[str]) -> None:
    alone, asked = (CliRunner().invoke(assembled(), [*group, *words]) for words in ([], ["--help"]))
    assert (alone.exit_code, alone.output) == (0, asked.output)
    assert "Usage: " in alone.output


def test_the_version_is_that_of_the_package() -> None:
    for words in (["--version"], ["--version", "audit"]):
        said = CliRunner().invoke(assembled(words), words)
        assert (said.exit_code, said.output) == (0, f"cdb {version('claire-de-binare')}\n")


def loaded_by(*words: str, every: bool = False) -> set[str]:
    """Names of the modules that a command line imports, in a process of its own; *every* imports all groups."""
    program = (
        f"import sys; from cdb.main import assembled; assembled({None if every else words!r}); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_an_audit_imports_no_web_framework_and_no_other_command() -> None:
    loaded = loaded_by("audit")
    assert {name for name in loaded if name.startswith("cdb.") and name.endswith(".command")} == {"cdb.audit.command"}
    assert not loaded & {"flask", "waitress", "werkzeug"}


@pytest.mark.parametrize("words", [(), ("--help",), ("--version",), ("nonsense",)])
def test_to_list_the_commands_none_is_imported(words: tuple[str, ...]) -> None:
    loaded = loaded_by(*words)
    assert not [name for name in loaded if name.startswith("cdb.") and not name.startswith(("cdb.kit", "cdb.main"))]
    assert not loaded & {"httpx", "msgspec", "psycopg2", "pydantic", "redis", "supervisor"}


def test_no_command_imports_a_web_framework() -> None:
    loaded = loaded_by(every=True)
    assert {f"cdb.{group}.command" for group in GROUPS} <= loaded
    assert not loaded & {"flask", "waitress", "werkzeug"}
