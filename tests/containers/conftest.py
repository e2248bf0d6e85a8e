"""What needs no engine always runs; what looks at a running stack only where deploy/airgap/run has started one."""

import os

import pytest

from tests.containers.running import Containers
from tests.containers.standins import standins, table

_RUNS = os.environ.get("CDB_STACK") == "compose"
_LIVE = ["test_operations.py", "test_running.py", "test_saving.py"]
collect_ignore = [] if _RUNS else _LIVE


@pytest.fixture(scope="session")
def stack() -> Containers:
    """Hand out the stack that runs in containers."""
    return Containers.running(os.environ)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which images are stand-ins, and for what."""
    if _RUNS:
        terminalreporter.section("images that stand in for official ones")
        for line in table(standins()):
            terminalreporter.write_line(line)
