"""One lively bot for all tests of faults; each test leaves it trading."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.bot import LIVELY, Bot, running_bot
from tests.system.native.replay_operator import Operator

OFTEN = {"CDB_METRIC_EXPORT_INTERVAL_S": "2", "CDB_SCRAPE_INTERVAL": "2s", "CDB_METRIC_EXPIRATION": "30s"}
FAILED: pytest.StashKey[bool] = pytest.StashKey()


@pytest.fixture(scope="module")
def _lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with running_bot(tmp_path_factory.mktemp("lively"), LIVELY) as bot:
        yield bot


@pytest.fixture(scope="module")
def whole_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Run every part, trading, for tests that only look; Prometheus sees it more often than usual."""
    with running_bot(tmp_path_factory.mktemp("whole"), {**LIVELY, **OFTEN}, parts=()) as bot:
        yield bot


@pytest.fixture
def bot(_lively: Bot, request: pytest.FixtureRequest) -> Iterator[Bot]:
    """Hand out a bot under load that is healthy and trades; its logs are in the report if the test fails."""
    _lively.stack.start()  # what an earlier test may have left stopped
    _lively.go_on()
    _lively.wait_healthy()
    _lively.wait_trading()
    yield _lively
    if request.node.stash.get(FAILED, False):
        for part in _lively.stack.status():
            request.node.add_report_section(
                "teardown", f"log of {part.name}", "\n".join(_lively.stack.log_tail(part.name, 40))
            )


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    somebody = Operator(tmp_path)
    yield somebody
    somebody.replays.sweep()  # what a failed test may have left of a command that it killed
    for name in somebody.replays.names():
        somebody.replays.remove(name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what looks at the stack that is up where CDB_STACK says which, else what starts stacks of its own."""
    looks = bool(os.environ.get("CDB_STACK"))
    others = [item for item in items if item.get_closest_marker("e2e") and looks != ("running_stack" in fixtures(item))]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def fixtures(item: pytest.Item) -> tuple[str, ...]:
    """The names of the fixtures that *item* uses."""
    return tuple(getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the fixture above whether its test failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
