"""The whole stack at its documented ports, beside whatever else uses them on this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cdb.running.native import Ports, Stack, StackConfig, StackError, select
from cdb.running.native.ports import can_listen
from tests.support.network import own_network
from tests.support.paths import ROOT
from tests.support.programs import require_parts, required
from tests.system.documented.run_stack import READY


@dataclass(frozen=True)
class Documented:
    """A running stack in a network of its own, in which `localhost` is nobody else's; if that may be, else in ours."""

    state: Path
    pid: int
    apart: bool

    def command(self, *words: str) -> list[str]:
        """The command line that runs *words* in the stack's network."""
        if not self.apart:
            return [*words]
        entered = ["--net"] if os.geteuid() == 0 else ["--user", "--preserve-credentials", "--net"]
        return ["nsenter", f"--target={self.pid}", *entered, "--", *words]

    def environment(self) -> dict[str, str]:
        """The environment of a person who works with this stack, the project's programs on the path."""
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        place = {"PATH": programs, "PYTHONPATH": str(ROOT), "CDB_STATE_DIR": str(self.state)}
        return {**os.environ, **place, "TERM": "xterm", "LC_ALL": "C.UTF-8"}

    def secret(self, name: str) -> str:
        """A secret that it was started with."""
        return self._running().config.environment[name]

    def stop_part(self, name: str) -> None:
        """Stop a part; it does not run by the time this returns."""
        self._running().stop_part(name)

    def start_part(self, name: str) -> None:
        """Start a part that was stopped."""
        self._running().start_part(name)

    def _running(self) -> Stack:
        running = Stack.attach(self.state)
        assert running is not None
        return running

    def shell(self, line: str, *, within_s: float = 120.0) -> subprocess.CompletedProcess[str]:
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
def documented_stack(state: Path, root: Path = ROOT) -> Iterator[Documented]:
    """Run the whole stack of *root* in *state* and remove it afterwards, also if whoever started it is killed."""
    require_parts(StackConfig.isolated(ROOT, state, parts=select(()), ports=Ports.default()))
    apart = own_network()
    if not apart:
        required(_free_ports)
    command = [*apart, sys.executable, "-m", "tests.system.documented.run_stack", str(state), str(root)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            said = holder.stdout.readline()
            assert said == f"{READY}\n", f"the stack at the documented ports did not start: {said or 'see its errors'}"
            yield Documented(state, holder.pid, apart=bool(apart))
        finally:
            assert holder.stdin is not None
            holder.stdin.close()
            holder.wait(timeout=120)


def _free_ports() -> Ports:
    """The documented ports; raise StackError if one of them is taken."""
    ports = Ports.default()
    if taken := sorted(port for name in Ports.variables() if not can_listen(port := ports.of(name))):
        raise StackError(f"no network of one's own can be made here, and of the documented ports {taken} are taken")
    return ports
