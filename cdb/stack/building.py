"""Build the programs that a stack still lacks, one after another, while it trades without them."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdb.running.native import Health, Part, PartStatus, StackConfig, log_tails
from cdb.running.native.tools import Built

BUILDING: Final = "building"
_BOOTSTRAP: Final = Path("deploy", "native", "bootstrap")
_LOOK_S: Final = 0.2
_LINES_READ: Final = 10_000
_LINES_SHOWN: Final = 20
_NICENESS: Final = "19"
_PROGRESS: Final = re.compile(r" *\d+\.\d s  ")
"""How each line of the bootstrap begins that is no error."""


@dataclass(frozen=True)
class Lacking:
    """A part that cannot run yet, and its program."""

    part: Part
    program: Built

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "list[Lacking]":
        """Those of *parts* whose program is not built."""
        return [cls(part, program) for part in parts if (program := part.unbuilt())]


class Building:
    """The builds of what *lacking* parts lack."""

    def __init__(self, config: StackConfig, lacking: Sequence[Lacking]) -> None:
        self._config = config
        self.left = [*lacking]
        """What is being built or waits for it."""
        self.built: list[Part] = []
        self.failed: list[Lacking] = []
        self._process: subprocess.Popen[bytes] | None = None

    def finished(self) -> Iterator[Part | None]:
        """Build; give a part as soon as its program is built, and None every now and then meanwhile."""
        while self.left:
            process = self._begin(self.left[0])
            while process.poll() is None:
                yield None
                time.sleep(_LOOK_S)
            done = self.left.pop(0)
            if process.returncode == 0:
                self.built.append(done.part)
                yield done.part
            else:
                self.failed.append(done)

    def status(self) -> tuple[PartStatus, ...]:
        """How far the program of each part is that cannot run yet."""
        now = [_status(one, BUILDING, _PROGRESS.sub("", "".join(self._said(one, 1)))) for one in self.left[:1]]
        waiting = [_status(one, "waiting", "is built afterwards") for one in self.left[1:]]
        failed = [_status(one, "failed", f"not built: see {self.log(one)}") for one in self.failed]
        return (*now, *waiting, *failed)

    def log(self, one: Lacking) -> Path:
        """Where the build of a program says what it does."""
        return self._config.layout.log(_log_name(one))

    def error(self, one: Lacking) -> list[str]:
        """Last lines of the log of a build that failed, without those that say that it went on."""
        return [line for line in self._said(one, _LINES_READ) if not _PROGRESS.match(line)][-_LINES_SHOWN:]

    def _said(self, one: Lacking, lines: int) -> list[str]:
        return log_tails.tail(self._config.layout, _log_name(one), lines)

    def end(self) -> None:
        """End the build that goes on; the compiler's cache keeps what is done."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()

    def _begin(self, one: Lacking) -> "subprocess.Popen[bytes]":
        log_tails.begin(self._config.layout, _log_name(one))
        with self.log(one).open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own script
                ["nice", "-n", _NICENESS, str(_BOOTSTRAP), "build", one.program.name],  # noqa: S607
                cwd=self._config.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that all of it can be ended together
            )
        return self._process


@contextmanager
def building(config: StackConfig, lacking: Sequence[Lacking]) -> Iterator[Building]:
    """Hand out the builds of what *lacking* parts lack, and end what still goes on afterwards."""
    builds = Building(config, lacking)
    try:
        yield builds
    finally:
        builds.end()


def titles(lacking: Sequence[Lacking]) -> str:
    """What people call the programs, as words of a sentence."""
    *others, last = [one.program.title for one in lacking]
    return f"{', '.join(others)} and {last}" if others else last


def _log_name(one: Lacking) -> str:
    return f"build-{one.program.name}"


def _status(one: Lacking, state: str, detail: str) -> PartStatus:
    return PartStatus(one.part.name, state, Health(ok=False, detail=detail))
