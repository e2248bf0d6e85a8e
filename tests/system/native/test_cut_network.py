"""The network between services and servers is cut: trading goes on by itself once it is whole again."""

import subprocess
import sys
from pathlib import Path

import pytest

from cdb.running.native import TRADING, StackConfig, StackError, select
from tests.support.network import own_network
from tests.support.paths import ROOT
from tests.support.programs import require_parts, required

pytestmark = pytest.mark.e2e


def test_after_a_cut_of_the_network_decisions_are_back_without_touching_a_process(tmp_path: Path) -> None:
    """The servers drop sessions and names of whoever they have not heard of, or those would keep everybody out."""
    require_parts(StackConfig.isolated(ROOT, tmp_path, parts=select(TRADING)))
    command = [
        *required(_apart),
        sys.executable,
        "-m",
        "tests.system.native.cut_network",
        str(tmp_path / "state"),
        "15",
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def _apart() -> tuple[str, ...]:
    if command := own_network():
        return command
    raise StackError("no network of one's own can be made here (unshare --net)")
