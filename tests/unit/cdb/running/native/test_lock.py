"""One command at a time uses a stack; who comes second is told which command does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cdb.running.errors import InUse, StackError
from cdb.running.native.lock import locked
from tests.support.waiting import until

HOLDER = """
import signal, sys
from pathlib import Path
from cdb.running.native.lock import locked
with locked(Path(sys.argv[1]), "replay eth"):
    print("held", flush=True)
    signal.pause()
"""


@contextmanager
def held(lock: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Hold *lock* in another process, whose command line has *words*, too."""
    command = [sys.executable, "-c", HOLDER, str(lock), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("/a/.venv/bin/cdb", "replay", "trades.csv", "--set", "X=hush"), "`cdb replay`"),
        (("-m", "cdb", "backup", "/hush"), "`cdb backup`"),
        ((), Path(sys.executable).name),
    ],
)
def test_who_comes_second_is_refused_with_the_command_that_came_first(
    tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    with held(tmp_path / "lock", *words) as first:
        with pytest.raises(InUse) as refusal, locked(tmp_path / "lock", "replay eth"):
            pass
        assert str(refusal.value) == (
            f"replay eth is in use by {named} (pid {first.pid}): try again when it has finished"
        )


def test_a_killed_command_holds_nothing(tmp_path: Path) -> None:
    with held(tmp_path / "lock") as first:
        first.kill()
        first.wait()
        with locked(tmp_path / "lock", "replay eth"):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_that_its_holder_removes_protects_nobody_who_comes_later(tmp_path: Path) -> None:
    """`cdb clean` removes it at last; the next command locks a new file, which others see."""
    lock = tmp_path / "lock"
    with locked(lock, "the stack"):
        lock.unlink()
        with locked(lock, "the stack"), pytest.raises(InUse), locked(lock, "the stack"):
            pass


def is_free(lock: Path) -> bool:
    try:
        with locked(lock, "the stack"):
            return True
    except InUse:
        return False


def test_a_program_that_was_started_meanwhile_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", "the stack"):
        daemon = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], close_fds=False)
    try:  # the kernel lets us go on a moment before it closes the program's files
        until(lambda: is_free(tmp_path / "lock"), within_s=5, what="the lock is free")
    finally:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()


@pytest.mark.parametrize("content", ["", "no number\n", "4194305\n"])
def test_whatever_is_in_the_file_the_refusal_is_one_sentence(tmp_path: Path, content: str) -> None:
    with held(tmp_path / "lock"):
        (tmp_path / "lock").write_text(content)
        with pytest.raises(InUse, match="in use by another command: try again"), locked(tmp_path / "lock", "it"):
            pass


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    place = tmp_path / "nowhere" / "lock"
    said = f"the stack cannot be used, for {place} cannot be written: No such file"
    with pytest.raises(StackError, match=said), locked(place, "the stack"):
        pass
