"""Saved replays: nobody uses one that another command uses, and what a killed command leaves is cleaned up."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cdb.replay.saved import Replays
from cdb.running.errors import InUse
from cdb.running.native import Stack, StackConfig, StackError, select
from cdb.running.native.tools import redis_server
from tests.support.cli import on_a_terminal
from tests.support.paths import ROOT
from tests.support.programs import required

pytestmark = pytest.mark.integration

PARTS = ("redis",)
COMMAND = """
import signal, sys
from pathlib import Path
from cdb.replay.saved import Replays
root, directory, name = sys.argv[1:4]
with Replays(Path(root), Path(directory)).running(name, ("redis",), {}) as stack:
    print(stack.pid_of("redis"), flush=True)
    signal.pause()
"""


@pytest.fixture
def replays(tmp_path: Path) -> Iterator[Replays]:
    required(redis_server)
    yield Replays(ROOT, tmp_path / "state" / "replays")
    operators_stack(tmp_path).remove()


def operators_stack(tmp_path: Path) -> Stack:
    return Stack(StackConfig.isolated(ROOT, tmp_path / "state", parts=select(PARTS)))


def saved(replays: Replays, name: str) -> None:
    with replays.running(name, PARTS, {}):
        replays.keep(name)


@contextmanager
def killed(tmp_path: Path, name: str) -> Iterator[psutil.Process]:
    """Use *name* in another command, and kill that; gives the server that it left running."""
    command = [sys.executable, "-c", COMMAND, str(ROOT), str(tmp_path / "state" / "replays"), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        server = psutil.Process(int(process.stdout.readline()))
        process.kill()
        process.wait()
        assert server.is_running()
        yield server


def test_a_replay_in_use_can_neither_be_removed_nor_opened_nor_used_nor_cleaned_away(
    replays: Replays, tmp_path: Path
) -> None:
    with replays.running("eth", PARTS, {}) as stack:
        pid = stack.pid_of("redis")
        attempts: dict[str, Callable[[], object]] = {
            "remove": lambda: replays.remove("eth"),
            "require": lambda: replays.require("eth"),
            "open": lambda: replays.opened("eth").__enter__(),
            "use": lambda: replays.running("eth", PARTS, {}).__enter__(),
            "clean": lambda: operators_stack(tmp_path).remove(),
        }
        for what, attempt in attempts.items():
            with pytest.raises(InUse, match=r"^replay eth is in use by \S+ \(pid \d+\): try again"):
                attempt()
            assert stack.pid_of("redis") == pid, what
        assert replays.sweep() == []
        replays.keep("eth")
    assert replays.names() == ["eth"]


def test_what_is_not_kept_leaves_nothing_behind(replays: Replays, tmp_path: Path) -> None:
    saved(replays, "old")
    for name in ("new", "old"):
        with pytest.raises(ZeroDivisionError), replays.running(name, PARTS, {}):
            raise ZeroDivisionError
    assert [place.name for place in (tmp_path / "state" / "replays").iterdir()] == ["old"]
    assert replays.names() == ["old"]


def test_an_unfinished_replay_is_none_and_its_name_is_taken(replays: Replays) -> None:
    with replays.running("eth", PARTS, {}):
        assert replays.names() == []
        assert replays.new_name("eth") == "eth-2"


@pytest.mark.parametrize("kept", [False, True])
def test_the_next_command_ends_what_a_killed_one_left_and_removes_what_was_not_kept(
    replays: Replays, tmp_path: Path, kept: bool
) -> None:
    if kept:
        saved(replays, "eth")
    with killed(tmp_path, "eth") as server:
        assert replays.sweep() == ["eth"]
        assert not server.is_running()
    assert replays.names() == (["eth"] if kept else [])
    assert replays.sweep() == []
    assert (tmp_path / "state" / "replays" / "eth").exists() == kept


def test_a_replay_that_a_killed_command_used_can_be_used_at_once(replays: Replays, tmp_path: Path) -> None:
    saved(replays, "eth")
    with killed(tmp_path, "eth") as server, replays.running("eth", PARTS, {}) as stack:
        assert not server.is_running()
        assert stack.wait_ready(20) is None


def test_a_removal_that_was_interrupted_is_finished(replays: Replays, tmp_path: Path) -> None:
    saved(replays, "eth")
    (tmp_path / "state" / "replays" / "eth" / "unfinished").touch()
    with pytest.raises(StackError, match="there is no replay 'eth'"):
        replays.require("eth")
    assert replays.sweep() == ["eth"]
    assert not (tmp_path / "state" / "replays" / "eth").exists()


def test_a_folder_of_somebody_else_among_the_replays_is_left_alone(replays: Replays, tmp_path: Path) -> None:
    notes = tmp_path / "state" / "replays" / "my notes"
    notes.mkdir(parents=True)
    (notes / "stack.json").write_text("no record")
    assert replays.sweep() == []
    assert replays.names() == []
    assert (notes / "stack.json").read_text() == "no record"
    (notes / "stack.json").unlink()  # `cdb clean` wants to know what it removes


def test_who_removes_a_replay_is_asked(replays: Replays, tmp_path: Path) -> None:
    saved(replays, "eth")
    environment = {"PATH": os.environ["PATH"], "CDB_STATE_DIR": str(tmp_path / "state")}
    piped = subprocess.run(
        [sys.executable, "-m", "cdb", "replays", "remove", "eth"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.returncode == 1
    assert "`cdb replays remove eth --yes` runs without asking" in piped.stderr
    for answer, code in (("n\n", 1), ("y\n", 0)):
        assert replays.names() == ["eth"]
        asked = on_a_terminal("replays", "remove", "eth", environment=environment, answer=answer)
        assert "Delete the ledger of replay eth?" in asked.stdout
        assert asked.returncode == code
    assert replays.names() == []
