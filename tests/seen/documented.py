"""The whole stack at its documented ports, beside whatever else uses them on this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from cdb.stack import Ports, StackConfig, StackError, select
from cdb.stack.tools import debian_program
from tests.programs import require_parts, required
from tests.seen.inside import READY
from tests.servers import ROOT

_AS_ROOT: Final = ("--net",)
_AS_USER: Final = ("--user", "--map-current-user", "--keep-caps", "--net")
_PROGRAMS: Final = {"curl": "curl", "jq": "jq", "watch": "procps", "unshare": "util-linux", "nsenter": "util-linux"}
"""What the lines of the handbook call, and what runs them, with the Debian package of each."""


@dataclass(frozen=True)
class Documented:
    """A running stack in a network of its own, in which `localhost` is nobody else's."""

    state: Path
    pid: int

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs *words* in the stack's network."""
        entered = ["--net"] if os.geteuid() == 0 else ["--user", "--preserve-credentials", "--net"]
        return [required_program("nsenter"), f"--target={self.pid}", *entered, "--", *words]

    def environment(self) -> dict[str, str]:
        """Return the environment of a person who works with this stack, the project's programs on the path."""
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": programs, "CDB_STATE_DIR": str(self.state), "TERM": "xterm", "LC_ALL": "C.UTF-8"}

    def shell(self, line: str, *, within_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run *line* by bash in the stack's network; standard error is in the output."""
        return subprocess.run(
            self.command("bash", "-c", line),
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within_s,
            check=False,
        )


@contextmanager
def documented_stack(state: Path) -> Iterator[Documented]:
    """Run the whole stack in *state* and remove it afterwards, also if whoever started it is killed."""
    for program in _PROGRAMS:
        required_program(program)
    require_parts(StackConfig.isolated(ROOT, state, parts=select(()), ports=Ports.default()))
    command = [*required(_unshare), sys.executable, "-m", "tests.seen.inside", str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            said = holder.stdout.readline()
            assert said == f"{READY}\n", f"the stack at the documented ports did not start: {said or 'see its errors'}"
            yield Documented(state, holder.pid)
        finally:
            assert holder.stdin is not None
            holder.stdin.close()
            holder.wait(timeout=60)


def required_program(name: str) -> str:
    """Return the path of one of the programs that this room needs."""
    return required(lambda: debian_program(name, package=_PROGRAMS[name]))


@cache
def _unshare() -> Sequence[str]:
    """Return the command that gives a program a network of its own; raise StackError where that is not allowed."""
    command = [debian_program("unshare", package="util-linux"), *(_AS_ROOT if os.geteuid() == 0 else _AS_USER), "--"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise StackError(f"no network of one's own can be made here: {tried.stderr.strip() or tried.returncode}")
    return command
