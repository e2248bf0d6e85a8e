"""For all rooms: the spans that a test leads to, which tests share a stack, and how quickly the operator was told."""

from typing import Any, Final

import pytest

from tests.support.alerted_bot import TOLD, table
from tests.support.spans import provider, spans

__all__ = ["provider", "spans"]

ROOMS_THAT_TAKE_LONG: Final = (
    "system/documented",
    "system/contract",
    "system/native",
    "integration/monitoring/alerts",
    "integration",
)
"""The longest first."""
_LINES: Final[pytest.StashKey[list[str]]] = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes run the tests, keep together what shares a stack, and begin with what takes longest."""
    if not getattr(config.option, "loadgroup", False):  # as pytest-xdist has it in each of its processes
        return
    groups = {item: shared for item in items if (shared := what_is_shared(item))}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (item not in groups, room_order(item)))


def what_is_shared(item: pytest.Item) -> str:
    """Return the package or module whose fixture *item* uses, "" if it uses none but those of a test or of the run."""
    scopes = set()
    if isinstance(item, pytest.Function):
        scopes = {found.scope for several in item._fixtureinfo.name2fixturedefs.values() for found in several}
    module = item.nodeid.split("::")[0]
    if "package" in scopes:
        return module.rpartition("/")[0]
    return module if scopes & {"module", "class"} else ""


def room_order(item: pytest.Item) -> int:
    """Return when the room of *item* has its turn."""
    rooms = enumerate(ROOMS_THAT_TAKE_LONG)
    return next((turn for turn, room in rooms if item.nodeid.startswith(f"tests/{room}/")), len(ROOMS_THAT_TAKE_LONG))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what the alerts' tests measured, from the process that ran them."""
    config = session.config
    if rows := config.stash.get(TOLD, []):
        config.stash[_LINES] = getattr(config, "workeroutput", {})["told"] = table(rows)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take it over."""
    if lines := getattr(node, "workeroutput", {}).get("told"):
        node.config.stash[_LINES] = lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how long alerts took from their causes to their notifications."""
    if lines := config.stash.get(_LINES, []):
        terminalreporter.section("from cause to notification, at a tenth of all times")
        for line in lines:
            terminalreporter.write_line(line)
