"""What of the operator's shell reaches a stack: the system's names and documented settings, nothing else."""

from pathlib import Path
from typing import Final

import pytest

from cdb.kit.paths import ROOT
from cdb.replay.saved import Replays
from cdb.running.native import Ports, StackConfig, StackError, envfile, known_settings, shell, stack_record
from cdb.running.native_stack import NativeStack
from tests.support.checkouts import operators
from tests.support.hostile import FOREIGN

SYSTEM: Final = {"PATH": "/usr/bin:/bin", "HOME": "/home/op", "USER": "op", "LOGNAME": "op", "TZ": "Europe/Berlin"}
STACKS_OWN: Final = {"PYTHONUNBUFFERED", "CDB_STACK_ID", "CDB_OTLP_ENDPOINT", "CDB_LOG_FORMAT"}


def test_a_part_gets_what_the_list_names_and_nothing_else(checkout: Path) -> None:
    given = operators(checkout, **SYSTEM, **FOREIGN, CDB_LOG_LEVEL="DEBUG").process_environment()
    unforeseen = given.keys() - SYSTEM.keys() - {"LC_ALL"} - STACKS_OWN - shell.OWN_SERVERS.keys()
    assert unforeseen <= known_settings.settings({}, checkout)
    assert {name: given[name] for name in SYSTEM} == SYSTEM
    assert given["LC_ALL"] == "C.UTF-8"
    assert given["CDB_LOG_LEVEL"] == "DEBUG"


def test_what_the_shell_adds_changes_nothing(checkout: Path) -> None:
    assert operators(checkout, **SYSTEM, **FOREIGN) == operators(checkout, **SYSTEM)


@pytest.mark.parametrize("name", sorted(known_settings.OF_THE_STACK - shell.OWN_SERVERS.keys()))
def test_what_the_stack_tells_its_parts_cannot_be_said_by_the_shell(checkout: Path, name: str) -> None:
    """One of them, CDB_HTTP_HOST, would open the services to the network."""
    assert operators(checkout, **{name: "::"}).process_environment().get(name) != "::"


@pytest.mark.parametrize("name", sorted(shell.ACCOUNTS))
def test_accounts_are_those_of_the_file_whatever_the_shell_has_for_another_project(checkout: Path, name: str) -> None:
    """Its password would lock us out, its database would look like an empty ledger."""
    filed = envfile.read(checkout / ".env")
    assert operators(checkout, **{name: "theirs"}).environment[name] == filed[name]


@pytest.mark.parametrize("variable", sorted(shell.OWN_SERVERS))
@pytest.mark.parametrize("address", ["127.0.0.2", "db.example", "::1", "/var/run/postgresql", "127.0.0.1,10.0.0.1"])
def test_another_server_is_refused_by_name_wherever_it_stands(checkout: Path, variable: str, address: str) -> None:
    says = rf"^{variable} is '{address}': the native stack has its own .* on 127\.0\.0\.1"
    with pytest.raises(StackError, match=says):
        operators(checkout, **{variable: address})
    with (checkout / ".env").open("a") as file:
        file.write(f"{variable}={address}\n")
    with pytest.raises(StackError, match=says):
        operators(checkout)


@pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1"])
def test_a_host_that_is_this_machine_means_the_own_server(checkout: Path, address: str) -> None:
    hosts = dict.fromkeys(shell.OWN_SERVERS, address)
    config = operators(checkout, **hosts)
    assert not config.environment.keys() & hosts.keys()


def test_while_nothing_runs_no_command_asks_another_server_unless_it_is_in_a_container(tmp_path: Path) -> None:
    environ = {"POSTGRES_HOST": "db.example", "POSTGRES_PASSWORD": "p", "CDB_STATE_DIR": str(tmp_path)}
    with pytest.raises(StackError, match=r"POSTGRES_HOST is 'db\.example'"):
        NativeStack(tmp_path, environ).ledger_settings()
    assert NativeStack(tmp_path, environ).ledger_settings(host="10.0.0.1").postgres_host == "10.0.0.1"
    inside = {**environ, "CDB_SECRETS_DIR": str(tmp_path)}
    assert NativeStack(tmp_path, inside).ledger_settings().postgres_host == "db.example"


def test_what_runs_is_reached_as_it_was_started_whatever_the_shell_says_now(checkout: Path) -> None:
    config = operators(checkout)
    config.layout.create()
    stack_record.write(config)
    theirs = {
        **dict.fromkeys(shell.ACCOUNTS, "theirs"),
        "POSTGRES_HOST": "db.example",
        "REDIS_HOST": "cache.example",
        "POSTGRES_PORT": "5432",
        "REDIS_PORT": "6379",
    }
    found = NativeStack(checkout, theirs)
    assert found.ledger_settings().model_dump() == NativeStack(checkout, {}).ledger_settings().model_dump()
    assert found.bus_settings().model_dump() == NativeStack(checkout, {}).bus_settings().model_dump()
    assert (found.ledger_settings().postgres_port, found.bus_settings().redis_port) == (15432, 16379)


def test_no_secret_of_the_shell_is_written_down(checkout: Path) -> None:
    hush = {"AWS_SECRET_ACCESS_KEY": "hush", "TYPO_PASSWORD": "hush", "POSTGRES_PASSWORD": "hush"}
    settings = shell.settings(envfile.read(checkout / ".env"), hush, checkout)
    replays = Replays(ROOT, checkout / ".cdb" / "replays")
    replay = replays.config("x", ("redis",), settings)
    for config in (operators(checkout, **hush), replay):
        assert "hush" not in str(stack_record.describe(config))
        assert "hush" not in str(config.process_environment())


def test_a_replay_has_its_own_servers_whatever_the_file_says(checkout: Path) -> None:
    (checkout / ".env").write_text("POSTGRES_HOST=db.example\nREDIS_HOST=cache.example\n")
    config = Replays(ROOT, checkout / "replays").config(
        "x", ("redis",), shell.settings(envfile.read(checkout / ".env"), {}, checkout)
    )
    assert config.process_environment()["REDIS_HOST"] == str(config.layout.redis_socket)
    assert not {"db.example", "cache.example"} & set(config.process_environment().values())


def test_a_deep_state_directory_has_its_socket_where_every_command_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-directory"] * 6)
    found = set()
    for folder in (str(tmp_path), str(tmp_path.parent), "/nonexistent"):
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr("tempfile.tempdir", None)  # as a new process has it
        found.add(StackConfig.isolated(ROOT, deep, parts=(), ports=Ports()).layout.supervisor_socket)
    assert len(found) == 1
