"""For all tests: recorded spans, the order in which parallel processes take tests, and the table of alert delays."""

from typing import Any, Final

import pytest

from tests.support.alerted_bot import TOLD, table
from tests.support.spans import provider, spans

__all__ = ["provider", "spans"]

SLOWEST_FIRST: Final = (
    "simulation",
    "exchange",
    "system/documented",
    "system/contract",
    "system/native",
    "integration/monitoring/alerts",
    "integration",
)
"""Folders whose tests start before all others, so that no process begins a long test when the others are done."""
_LINES: Final[pytest.StashKey[list[str]]] = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--dist loadgroup`: give tests that share a stack to one process, and start the slowest folders first."""
    if not getattr(config.option, "loadgroup", False):  # pytest-xdist sets this in each of its processes
        return
    groups = {item: group for item in items if (group := group_of(item))}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (turn_of(item), item not in groups))


def group_of(item: pytest.Item) -> str:
    """Package or module that *item* must stay together with: the one whose fixture it uses; "" if it uses none."""
    scopes = set()
    if isinstance(item, pytest.Function):
        scopes = {found.scope for several in item._fixtureinfo.name2fixturedefs.values() for found in several}
    module = item.nodeid.split("::")[0]
    if "package" in scopes:
        return module.rpartition("/")[0]
    return module if scopes & {"module", "class"} else ""


def turn_of(item: pytest.Item) -> int:
    """Place of the item's folder in SLOWEST_FIRST; all other folders come last."""
    folders = enumerate(SLOWEST_FIRST)
    return next((turn for turn, folder in folders if item.nodeid.startswith(f"tests/{folder}/")), len(SLOWEST_FIRST))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the delays that the alert tests measured to the main process."""
    config = session.config
    if rows := config.stash.get(TOLD, []):
        config.stash[_LINES] = getattr(config, "workeroutput", {})["told"] = table(rows)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Receive the delays from a process that has ended."""
    if lines := getattr(node, "workeroutput", {}).get("told"):
        node.config.stash[_LINES] = lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the time from each alert's cause to its notification."""
    if lines := config.stash.get(_LINES, []):
        terminalreporter.section("from cause to notification; all times are a tenth of the real ones")
        for line in lines:
            terminalreporter.write_line(line)
