"""A copy of the project with an environment of its own, and the shell that its operator sits at."""

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cdb.running.native import Stack
from cdb.running.native.tools import Built
from tests.support.paths import ROOT

_NOT_COPIED: Final = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "bench")


@dataclass(frozen=True)
class Checkout:
    """A checkout with its environment, and the shell that its operator sits at."""

    root: Path
    state: Path
    shell: dict[str, str]

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """Start `cdb` without waiting for it."""
        return subprocess.Popen(
            [self.root / ".venv/bin/cdb", *arguments],
            env={**self.shell, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def cdb(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.root / ".venv/bin/cdb", *arguments],
            cwd=self.root.parent,
            env={**self.shell, **more},
            umask=0o077,
            capture_output=True,
            encoding="utf-8",
            timeout=200,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self.cdb(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    @property
    def stack(self) -> Stack:
        found = Stack.attach(self.state)
        assert found is not None
        return found


def copy_checkout(root: Path, programs: Sequence[Built]) -> None:
    """Copy the project to *root*, with an environment of our packages, its own modules and built *programs*."""
    shutil.copytree(ROOT, root, ignore=_NOT_COPIED)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    (packages,) = (root / ".venv/lib").glob("python3*/site-packages")
    (packages / "both.pth").write_text(f"{root}\n{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
    for built in programs:
        (root / ".venv/bin" / built.name).symlink_to(built.there())
    subprocess.run(["bash", "-c", ". deploy/native/python.sh; make_command"], cwd=root, check=True)
    (root / ".venv/bin/cdb").chmod(0o755)
