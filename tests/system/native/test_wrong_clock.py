"""A clock that is wrong, and right again: trading goes on by itself, and meanwhile the figures say why it does not."""

from collections.abc import Iterator, Mapping

import pytest

from tests.support.bot import LIVELY, SERVICES, Bot, running_bot
from tests.support.clocks import WrongClock
from tests.support.waiting import until

pytestmark = pytest.mark.e2e
HOUR = 3600


@pytest.fixture(scope="module")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, WrongClock]:
    """One clock for each service, right at first."""
    place = tmp_path_factory.mktemp("clocks")
    return {service: WrongClock(place / service) for service in SERVICES}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory, clocks: Mapping[str, WrongClock]) -> Iterator[Bot]:
    """Run a lively bot whose services have clocks that can be set; Redis and PostgreSQL keep the true time."""
    own = {service: clock.environment() for service, clock in clocks.items()}
    with running_bot(tmp_path_factory.mktemp("wrong-clock"), LIVELY, only_for=own) as running:
        running.wait_healthy()
        running.wait_trading()
        yield running


def offset(bot: Bot, service: str) -> float:
    return bot.metric(service, "cdb_clock_offset_seconds")


def staleness(bot: Bot) -> float:
    return bot.metric("cdb_risk", "cdb_data_staleness_seconds")


class Near:
    """Whether an offset is about what it should be."""

    def __init__(self, expected: float) -> None:
        self.expected = expected

    def __call__(self, seen: float) -> bool:
        return abs(seen - self.expected) < 5


@pytest.mark.parametrize(("service", "ahead_s"), [("cdb_ws", HOUR), ("cdb_core", HOUR), ("cdb_risk", -HOUR)])
def test_one_wrong_clock_is_told_and_trading_recovers_when_it_is_right_again(
    bot: Bot, clocks: Mapping[str, WrongClock], service: str, ahead_s: int
) -> None:
    """Its offset shows, prices that are not taken grow stale, no letters pile up, and no restart is needed."""
    letters = len(bot.dead_letters())
    clocks[service].set(ahead_s)
    until(lambda: offset(bot, service), holds=Near(ahead_s), what=f"the offset of {service}")
    if service != "cdb_core":
        until(lambda: staleness(bot), holds=lambda seen: seen > 8, what="staleness")
    assert bot.metric(service, "cdb_clock_jumps_total") >= 1
    others = {other: offset(bot, other) for other in SERVICES if other != service}
    assert all(Near(0)(seen) for seen in others.values()), others
    clocks[service].set(0)
    until(lambda: offset(bot, service), holds=Near(0), what=f"{service} right again")
    bot.wait_trading()
    until(lambda: staleness(bot), holds=lambda seen: seen < 5, what="fresh prices")
    assert len(bot.dead_letters()) - letters < 20
    bot.wait_healthy()


def test_all_clocks_set_back_and_forward_again_hold_up_nothing(bot: Bot, clocks: Mapping[str, WrongClock]) -> None:
    """As when the machine's clock is set: the services agree, so trading goes on."""
    for ahead_s in (-HOUR, 0):
        for clock in clocks.values():
            clock.set(ahead_s)
        for service in SERVICES:
            until(lambda: offset(bot, service), holds=Near(ahead_s), what=f"the offset of {service}")  # noqa: B023  at once
        bot.wait_trading()
        bot.wait_trading()
        until(lambda: staleness(bot), holds=lambda seen: seen < 5, what="fresh prices")
        assert set(bot.health().values()) == {200}
    bot.quiesce()
