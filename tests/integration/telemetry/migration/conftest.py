"""The bot's services, each run before and after the move."""

from dataclasses import dataclass

import pytest

from tests.integration.telemetry.migration.bots import SERVICES, Outcome, bot_after, bot_before, work


@dataclass(frozen=True)
class Move:
    """One service's pages on both sides of the move."""

    before: Outcome
    after: Outcome


@pytest.fixture(scope="package", params=SERVICES)
def move(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Move:
    """Have one service do the same work twice, on prometheus_client and on telemetry."""
    folder = tmp_path_factory.mktemp(request.param)
    return Move(
        before=work(request.param, bot_before(folder / "before")),
        after=work(request.param, bot_after(folder / "after")),
    )
