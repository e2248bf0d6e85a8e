"""One whole stack at the documented ports, and one browser in its network, for the room."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browsing import running_browser
from tests.support.fast_copy import make_fast_copy
from tests.system.documented.documented_stack import Documented, documented_stack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documented]:
    """Run everything; alerts come ten times as fast as they are committed."""
    place = tmp_path_factory.mktemp("seen")
    with documented_stack(place / "state", make_fast_copy(place / "root")) as running:
        yield running


@pytest.fixture(scope="package")
def browser(stack: Documented, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run a browser that reaches the stack and nothing else."""
    with running_browser(tmp_path_factory.mktemp("browser"), stack.command) as running:
        yield running
