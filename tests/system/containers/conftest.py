"""What needs no engine always runs; what looks at a running stack only where deploy/airgap/run has started one."""

import os
from typing import Final

import pytest

from tests.support.operations import type_in
from tests.system.containers.running import Containers
from tests.system.containers.standins import standins, table

_RUNS: Final = os.environ.get("CDB_STACK") == "compose"
_LIVE: Final = ["test_console.py", "test_killed.py", "test_operations.py", "test_running.py", "test_saving.py"]
collect_ignore = [] if _RUNS else _LIVE

TOLD_S: Final = 300.0
"""One minute of `for`, two scrapes and Alertmanager's group_wait make two minutes."""


@pytest.fixture(scope="session")
def stack() -> Containers:
    """Hand out the stack that runs in containers."""
    return Containers.running(os.environ)


@pytest.fixture(scope="session")
def core_outage(stack: Containers) -> str:
    """Stop cdb_core, wait until its operator is told, start it, and return what `cdb alerts` showed meanwhile."""
    stack.wait_well()
    stack.compose("stop", "cdb_core")
    try:
        stack.wait_told("cdb_core", "firing", TOLD_S)
        return type_in(".venv/bin/cdb alerts", os.environ).stdout
    finally:
        stack.compose("start", "cdb_core")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the outage, whose end is told of five minutes later, and kill last what all the others look at.

    Before that end, what the receiver knows is put back (test_saving.py): later it would be lost.
    """
    if _RUNS:
        order = ["test_running.py", "test_saving.py", "", "test_killed.py"]
        items.sort(key=lambda item: order.index(item.path.name if item.path.name in order else ""))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which images are stand-ins, and for what."""
    if _RUNS and (found := standins()):
        terminalreporter.section("images that stand in for official ones")
        for line in table(found):
            terminalreporter.write_line(line)
