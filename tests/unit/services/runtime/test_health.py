"""A service's health is that of its loop and of the servers that it needs."""

from collections.abc import Iterator

import pytest

from services.errors import ServerAway
from services.runtime.health import Health
from services.runtime.loop_state import LoopState
from tests.support.waiting import until


class Server:
    """A server that can be away."""

    def __init__(self) -> None:
        self.away = False

    def ping(self) -> None:
        if self.away:
            raise ServerAway("Redis", "connection\nrefused")


@pytest.fixture
def running() -> Iterator[LoopState]:
    state = LoopState()
    state.turned()
    yield state
    state.stop.set()


def test_server_that_was_not_probed_yet_is_no_good_health(running: LoopState) -> None:
    health = Health(running, {"redis": Server().ping}, lambda _healthy: None)
    assert health.checks() == {"loop": "ok", "redis": "not probed yet"}
    assert not health.healthy()


def test_server_that_answers_is_good_health_and_that_is_reported(running: LoopState) -> None:
    verdicts: list[bool] = []
    health = Health(running, {"redis": Server().ping}, verdicts.append)
    health.start()
    until(lambda: verdicts, within_s=10, every_s=0.01, what="a report")
    assert verdicts == [True]
    assert health.checks() == {"loop": "ok", "redis": "ok"}


def test_server_that_is_away_hides_no_other(running: LoopState) -> None:
    away, here = Server(), Server()
    away.away = True
    health = Health(running, {"ledger": away.ping, "redis": here.ping}, lambda _healthy: None)
    health.start()
    until(
        health.checks,
        holds=lambda seen: seen == {"loop": "ok", "ledger": "connection refused", "redis": "ok"},
        within_s=10,
        every_s=0.01,
        what="both verdicts",
    )


def test_loop_is_ill_until_its_first_turn_and_while_it_waits() -> None:
    state = LoopState()
    assert state.problem() == "starting"
    state.turned()
    assert state.problem() is None
    state.waits_for(ServerAway("PostgreSQL", "refused"))
    assert state.problem() == "waiting for PostgreSQL: refused"
    state.turned()
    assert state.problem() is None
