"""The stack in containers, as `docker` shows it; a script stands in for docker and notes how it is called."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from cdb.running.compose_stack import ComposeStack
from cdb.running.errors import StackError
from cdb.running.stack import running_stack

SCRIPT: Final = """#!/bin/sh
echo "$*" >> {folder}/calls
case "$1 $2" in
    "ps --all") cat {folder}/containers ;;
    "compose version") exit {no_compose} ;;
    "compose config") printf 'cdb_risk new\\ncdb_ws same\\ncdb_grafana new\\n' ;;
    "start --attach") echo "$3: {migration}" >&2; [ "{migration}" = well ] ;;
    "stop "*|"start "*) ;;
    *) echo "docker: unknown: $*" >&2; exit 1 ;;
esac
"""
RUNS: Final = {"State": "running", "Status": "Up 1 minute (healthy)"}
STOPPED: Final = {"State": "exited", "Status": "Exited (0) 1 minute ago"}
SERVERS: Final = {"cdb_postgres": RUNS, "cdb_redis": RUNS}

Make = Callable[..., ComposeStack]


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a stack of containers, each in its state; *published* says which port of the machine leads into which."""

    def make(
        containers: dict[str, dict[str, str]],
        *,
        published: dict[str, str] | None = None,
        compose: bool = True,
        migration: str = "well",
    ) -> ComposeStack:
        lines = [
            {
                "Labels": f"com.docker.compose.service={name},com.docker.compose.config-hash=same",
                "Ports": (published or {}).get(name, ""),
                **state,
            }
            for name, state in containers.items()
        ]
        (tmp_path / "containers").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        (tmp_path / "docker").write_text(
            SCRIPT.format(folder=tmp_path, no_compose=int(not compose), migration=migration)
        )
        (tmp_path / "docker").chmod(0o755)
        path = f"{tmp_path}:/usr/bin:/bin"
        monkeypatch.setenv("PATH", path)
        state = str(tmp_path / "state")
        stack = running_stack(tmp_path, {"CDB_STACK": "compose", "CDB_STATE_DIR": state, "PATH": path})
        assert isinstance(stack, ComposeStack)
        return stack

    return make


def calls(folder: Path) -> list[str]:
    """What docker was told to change."""
    return [line for line in (folder / "calls").read_text().splitlines() if not line.startswith("ps ")]


def test_parts_are_the_containers_by_name_and_none_while_none_runs(compose: Make) -> None:
    stack = compose({"cdb_ws": RUNS, "cdb_risk": STOPPED, "cdb_migrate": STOPPED})
    assert [(part.name, part.state, part.ready) for part in stack.parts()] == [
        ("cdb_migrate", "done", True),
        ("cdb_risk", "exited", False),
        ("cdb_ws", "running", True),
    ]
    with pytest.raises(StackError, match="the Docker stack is not running: `docker compose up -d` starts it"):
        compose({"cdb_ws": STOPPED}).require_running()


def test_the_project_is_the_one_that_env_names_and_the_environment_wins(compose: Make, tmp_path: Path) -> None:
    stack = compose({"cdb_ws": RUNS})
    stack.parts()
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=claire2\n")
    stack.parts()
    running_stack(tmp_path, {**stack.environ, "COMPOSE_PROJECT_NAME": "claire3"}).parts()
    asked = [line for line in (tmp_path / "calls").read_text().splitlines() if line.startswith("ps ")]
    assert [line.split("project=")[1].split()[0] for line in asked] == ["claire-de-binare", "claire2", "claire3"]


def test_ports_are_those_that_are_published_whatever_the_environment_says(compose: Make) -> None:
    stack = compose({"cdb_prometheus": RUNS}, published={"cdb_prometheus": "127.0.0.1:29090->9090/tcp"})
    assert stack.listening == {"prometheus": 29090}
    assert (stack.ports.prometheus, stack.ports.grafana) == (29090, 0)


def test_only_containers_that_run_are_stopped_for_moments(compose: Make, tmp_path: Path) -> None:
    stack = compose({"cdb_ws": RUNS, "cdb_risk": STOPPED, "cdb_prometheus": RUNS})
    with stack.stopped("cdb_ws", "cdb_risk", "prometheus", "cdb_console"):
        assert calls(tmp_path) == ["stop cdb_ws cdb_prometheus"]
    assert calls(tmp_path)[1:] == ["start cdb_ws cdb_prometheus"]


def test_the_ledger_is_migrated_by_the_container_that_did_it_at_the_start(compose: Make, tmp_path: Path) -> None:
    """It outlives the command that runs it, and so is ended if that fails."""
    compose(SERVERS).migrate_ledger()
    assert calls(tmp_path) == ["start --attach cdb_migrate"]
    with pytest.raises(StackError, match="cdb_migrate: the ledger cannot be migrated"):
        compose(SERVERS, migration="the ledger cannot be migrated").migrate_ledger()
    assert calls(tmp_path)[1:] == ["start --attach cdb_migrate", "stop cdb_migrate"]


def test_a_stack_without_its_ledger_is_not_saved_and_one_command_at_a_time_is_at_work(
    compose: Make, tmp_path: Path
) -> None:
    with pytest.raises(StackError, match="cdb_postgres is not running: `docker compose ps --all` shows why"):
        compose({**SERVERS, "cdb_postgres": STOPPED}).held().__enter__()
    with compose(SERVERS).held(), pytest.raises(StackError, match="the Docker stack is in use by"):
        compose(SERVERS).held().__enter__()
    assert (tmp_path / "state" / "containers.lock").exists()


def test_what_up_would_change_is_named_if_compose_can_be_asked(compose: Make) -> None:
    assert compose({"cdb_ws": RUNS, "cdb_risk": RUNS}).changed_settings() == [
        "cdb_grafana was not started",
        "cdb_risk was changed",
    ]
    assert compose({"cdb_ws": RUNS}, compose=False).changed_settings() is None
