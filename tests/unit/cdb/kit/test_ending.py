"""A signal ends a command like Ctrl-C: what was begun is put in order, and the exit code says which signal it was."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

COMMAND = """
import signal, sys, time
from cdb.kit.ending import end_by_signals
end_by_signals()
try:
    print("begun", flush=True)
    signal.pause()
    print("went on", flush=True)
finally:
    print("ending", flush=True)
    sys.stdin.readline()
    print("ended", flush=True)
"""


NOTHING_IGNORED = ("env", "--default-signal=HUP,INT,TERM")
"""Whoever runs the tests may ignore some: nohup, or a shell that put them into the background."""


@contextmanager
def begun(*before: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*NOTHING_IGNORED, *before, sys.executable, "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_was_begun_is_ended_and_the_exit_code_names_the_signal(number: signal.Signals) -> None:
    with begun() as process:
        process.send_signal(number)
        said, _ = process.communicate("\n", timeout=30)
        assert said == "ending\nended\n"
        # Without typer around it, Python ends by the signal itself after KeyboardInterrupt.
        assert process.returncode == (-number if number == signal.SIGINT else 128 + number)


@pytest.mark.parametrize("second", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_that_comes_twice_does_not_interrupt_the_end(second: signal.Signals) -> None:
    """A shell whose terminal is closed sends SIGHUP once more, and systemd sends both."""
    with begun() as process:
        process.send_signal(signal.SIGHUP)
        assert process.stdout
        assert process.stdout.readline() == "ending\n"
        process.send_signal(second)
        said, _ = process.communicate("\n", timeout=30)
        assert (said, process.returncode) == ("ended\n", 128 + signal.SIGHUP)


def test_nohup_has_its_way() -> None:
    with begun("nohup") as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGUSR1)  # ends it without any cleaning up, if the other did not
        assert process.wait(timeout=30) == -signal.SIGUSR1
