"""The stack in containers, operated: the checklist, what it says when something is away, and the decision table.

It runs before test_running.py, which kills what is looked at here; the checklist comes late, for it waits for rules.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Final

import pytest

from cdb.doctor import settings
from cdb.doctor.findings import Verdict
from cdb.running.base import RunningStack
from cdb.running.stack import running_stack
from tests.support.checklist import assert_ready, failed, verdicts
from tests.support.operations import Step, steps, type_in
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.containers.running import Containers

pytestmark = pytest.mark.timeout(600)

NAMED_EXCEPTIONS: Final = {"grafana", "secrets", "clock", "resources", "firing"}
"""What may be a warning here: Grafana has no stand-in, and the secrets of this run are marked as made for a test.

And what is the test machine's: no chrony, a small disk or memory, so much load that an alert of latency fires.
"""
AWAY: Final = ("cdb_redis_exporter", "cdb_console")


@pytest.fixture
def site(stack: Containers) -> Iterator[RunningStack]:
    stack.wait_well()
    with closing(found()) as site:
        yield site


def found(**changed: str) -> RunningStack:
    return running_stack(ROOT, {**os.environ, **changed}).require_running()


def test_a_container_that_was_stopped_is_named_by_each_item_that_needs_it(
    stack: Containers, site: RunningStack
) -> None:
    with stopped(stack, *AWAY):
        seen = verdicts(site, "parts", "notification", "endpoints")
        assert all(f"{container}: Exited (" in failed(seen["parts"]) for container in AWAY), seen
        failed(seen["notification"])
        status = cdb("status --json", within_s=60)
        sick = {part["name"] for part in json.loads(status.stdout)["parts"] if not part["healthy"]}
        assert (status.returncode, sick) == (1, {*AWAY})
        assert seen["endpoints"].verdict is Verdict.OK
        until(
            lambda: verdicts(site, "targets")["targets"],
            holds=lambda now: now.verdict is Verdict.FAIL and "cdb_redis_exporter:9121" in now.found,
            what="the exporter's target named",
        )
    assert verdicts(site, "parts")["parts"].verdict is Verdict.OK


def test_what_up_would_change_is_a_warning(site: RunningStack) -> None:
    assert settings.as_started(site).verdict is Verdict.OK
    with closing(found(MAX_POSITION_PCT="0.07")) as now:
        seen = settings.as_started(now)
    assert (seen.verdict, seen.found) == (Verdict.WARN, "cdb_console was changed; cdb_risk was changed")


def test_on_a_healthy_stack_nothing_fails_and_only_the_named_exceptions_warn(stack: Containers) -> None:
    """Repeated for a while, because rules and traces need a minute after the start."""
    stack.wait_well()
    result = cdb("doctor --json --wait 150", within_s=300)
    assert_ready(result, stack="compose", exceptions=NAMED_EXCEPTIONS)


def test_every_command_of_the_decision_table_runs(stack: Containers) -> None:
    """Each as it stands there; each ends well where nothing is wrong. Several at once, to save time."""
    stack.wait_well()
    table = steps()
    assert len(table) >= 20
    with ThreadPoolExecutor(4) as pool:
        said = dict(zip((step.containers for step in table), pool.map(typed, table), strict=True))
    assert [text for one, text in said.items() if "redis_up" in one] == ["redis_up 1\n"]
    assert [text for one, text in said.items() if one.endswith("redis-cli ping'")] == ["PONG\n"]


def typed(step: Step) -> str:
    return until(
        lambda: type_in(step.containers, os.environ), holds=step.is_well, within_s=120, what=step.containers
    ).stdout


@contextmanager
def stopped(stack: Containers, *containers: str) -> Iterator[None]:
    stack.compose("stop", *containers)
    try:
        yield
    finally:
        stack.compose("start", *containers)
        stack.wait_well()


def cdb(arguments: str, within_s: float) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cdb", *arguments.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
