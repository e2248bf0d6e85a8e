"""Run `cdb` as the operator does."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.support.paths import ROOT


def run_cdb(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `cdb` with *environment* and nothing else of this process's. The terminal is wide: no line is wrapped."""
    return subprocess.run(
        [sys.executable, "-m", "cdb", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment, "COLUMNS": "250", "CDB_STATE_DIR": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def on_a_terminal(
    *arguments: str, environment: Mapping[str, str], answer: str = "", columns: int = 80, checkout: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run `cdb` of *checkout* on a terminal, type *answer*, and give all that it showed."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "cdb", *arguments]
    shown = b""
    with subprocess.Popen(command, cwd=checkout, env=environment, stdin=inner, stdout=inner, stderr=inner) as process:
        os.close(inner)
        os.write(outer, answer.encode())
        while chunk := _read(outer):
            shown += chunk
    os.close(outer)
    return subprocess.CompletedProcess(command, process.returncode, shown.decode().replace("\r\n", "\n"), "")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the program has ended
        return b""
