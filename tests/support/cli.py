"""Run `cdb` as the operator does."""

import os
import subprocess
import sys
from collections.abc import Mapping

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
