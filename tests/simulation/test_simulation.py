"""Nothing is found in new seeds at each run, and every deliberate break is found in few."""

import subprocess
import sys
import time

import pytest

from cdb.running.native.tools import postgres_bin
from tests.simulation.breaks import BREAKS
from tests.support.paths import ROOT
from tests.support.programs import required

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # beside other tests

SEEDS = 300


def simulation(*arguments: str) -> subprocess.CompletedProcess[str]:
    required(postgres_bin)
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)


def test_no_order_of_faults_breaks_the_ledger() -> None:
    """The first of the new seeds is the time in seconds; a failure names its seed, and how it is shown again."""
    run = simulation("--seed", str(int(time.time())), "--count", str(SEEDS))
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_deliberate_break_is_found() -> None:
    run = simulation("--breaks")
    lines = dict(line.split(": ", 1) for line in run.stdout.splitlines())
    assert lines.keys() == BREAKS.keys(), run.stderr
    assert {name for name, said in lines.items() if not said.startswith("found by seed")} == set()


def test_a_seed_does_the_same_again_and_fewer_faults_are_its_first() -> None:
    once, again = simulation("--seed", "5", "--steps"), simulation("--seed", "5", "--steps")
    assert once.stdout == again.stdout
    faults = [line for line in once.stdout.splitlines() if " point " in line]
    assert len(faults) > 3
    short = simulation("--seed", "5", "--steps", "--faults", "3").stdout.splitlines()
    assert [line for line in short if " point " in line] == faults[:3]
