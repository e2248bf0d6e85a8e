"""Run the checks down to a depth."""

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from cdb.check import exposed, live, static
from cdb.check.files import FileError
from cdb.check.findings import Report
from cdb.dashboard.model.dashboards import DashboardError
from cdb.kit.prometheus import Prometheus
from telemetry.contract import ContractError

UNREADABLE = (ContractError, DashboardError, FileError)
"""What `run` raises for a file that cannot be read at all; the text names it."""


class Depth(StrEnum):
    """How far a check goes; each goes on where the one before it ends."""

    STATIC = "static"
    CONTRACT = "contract"
    LIVE = "live"


def run(root: Path, depth: Depth, server: Prometheus | None = None, now: Callable[[], float] = time.time) -> Report:
    """Check the project in *root*, from the depth contract on against *server*.

    Raise one of UNREADABLE, and from the depth contract on Away or QueryRefused.
    """
    checked = static.check(root)
    if server is not None and depth is not Depth.STATIC:
        exposed.check(checked, server)
        if depth is Depth.LIVE:
            live.check(checked, server, now())
    return checked.report
