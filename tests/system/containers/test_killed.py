"""What the stack in containers does when its processes are killed, and when all of it is taken down."""

import time
from typing import Final

import pytest

from tests.support.waiting import until
from tests.system.containers.running import BEFORE_ALERTMANAGER, Containers, docker

pytestmark = pytest.mark.timeout(900)

RESOLVED_S: Final = 600.0
"""One minute of keep_firing_for, then Alertmanager's group_interval of five."""


@pytest.mark.parametrize("container", BEFORE_ALERTMANAGER)
def test_what_is_killed_under_load_is_back_within_a_minute(stack: Containers, container: str) -> None:
    """Nobody helps; the ledger is in order, and signals are decided."""
    killed_and_back(stack, container)


@pytest.mark.usefixtures("core_outage")
def test_the_end_of_the_outage_is_told(stack: Containers) -> None:
    stack.wait_told("cdb_core", "resolved", RESOLVED_S)


def test_alertmanager_killed_is_back_within_a_minute(stack: Containers) -> None:
    """Not before the end of the outage is told: what it is to tell, it only has in memory."""
    killed_and_back(stack, "cdb_alertmanager")


def test_what_was_known_before_down_is_known_after_up(stack: Containers) -> None:
    """No container and no network is left; the ledger and what Prometheus has stored are."""
    evaluated = "sum(cdb_signals_evaluated_total)"
    at = time.time()
    figure = until(lambda: stack.value(evaluated, at), within_s=60, what="evaluated signals in Prometheus")
    decisions = stack.count("decisions")
    assert decisions > 0
    stack.compose("down", "--timeout", "30")
    assert docker("ps", "--all", "--quiet", "--filter", "name=^/cdb_") == ""
    assert docker("network", "ls", "--quiet", "--filter", "name=^cdb_") == ""
    stack.compose("up", "--detach", "--wait")
    stack.wait_well()
    assert until(lambda: stack.value(evaluated, at), within_s=60, what="what Prometheus had stored") == figure
    assert stack.count("decisions") >= decisions
    stack.wait_deciding()
    assert "rules hold" in stack.compose("run", "--rm", "-T", "cdb", "audit")


def killed_and_back(stack: Containers, container: str) -> None:
    """Kill the main process of *container* and see everything well again."""
    stack.wait_well()
    stack.wait_deciding()
    deadline = time.monotonic() + 60
    stack.kill(container)
    stack.wait_well(within_s=deadline - time.monotonic())
    stack.wait_deciding()
    stack.audit()
