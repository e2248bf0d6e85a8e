"""Run the checks down to a depth."""

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from cdb.check import live, shown_metrics, static
from cdb.check.files import FileError
from cdb.check.findings import Report
from cdb.check.grammar import Promtool, Server
from cdb.kit.prometheus import Prometheus
from telemetry.contract import ContractError

UNREADABLE = (ContractError, FileError)
"""What `run` raises for a file that cannot be read; the text names the file."""


class Depth(StrEnum):
    """How far a check goes; each depth includes those before it."""

    STATIC = "static"
    CONTRACT = "contract"
    LIVE = "live"


def run(root: Path, depth: Depth, server: Prometheus | None = None, now: Callable[[], float] = time.time) -> Report:
    """Check the project in *root*; without a *server* only its files.

    The server says what is PromQL, without one promtool if it is installed. Raises one of UNREADABLE; with a server
    also Away or QueryRefused.
    """
    checked = static.check(root, Server(server) if server is not None else Promtool.installed())
    if server is not None and depth is not Depth.STATIC:
        shown_metrics.check(checked, server)
        if depth is Depth.LIVE:
            live.check(checked, server, now())
    return checked.report
