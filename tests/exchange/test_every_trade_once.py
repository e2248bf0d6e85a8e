"""Whatever an exchange does wrong, each trade that it would still give comes out once, in order."""

import asyncio

import pytest

from tests.exchange.feeds import Run, running_feed, settled
from tests.exchange.schedule import Schedule, random_faults

SEEDS = range(100)
AT_ONCE = 8


async def play(name: str, seed: int) -> str:
    """Run *seed*; says what is wrong at the end, if anything."""
    run = Run.new(name, seed=seed)
    schedule = telling_apart(random_faults(seed))
    async with running_feed(run):
        await schedule.run(run.server)
        await asyncio.sleep(0.3)
        wrong = await settled(run)
    return f"{name}, seed {seed}: {wrong}\n{schedule}" if wrong else ""


def telling_apart(schedule: Schedule) -> Schedule:
    """The same without frames that lack their times, if frames come twice: nobody could tell that from equal trades."""
    if not any(step.fault == "twice" for step in schedule.steps):
        return schedule
    return Schedule([step for step in schedule.steps if step.fault != "bare"], lasts_s=schedule.lasts_s)


async def play_all(name: str, seeds: range) -> list[str]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> str:
        async with turns:
            return await play(name, seed)

    return [wrong for wrong in await asyncio.gather(*map(one, seeds)) if wrong]


# What is still opening when a feed is cancelled may be left to the garbage collector; nothing else is passed over.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <(socket.socket |function _SelectorTransport.__del__ )"
    ":pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("name", ["mexc", "binance"])
def test_every_trade_comes_out_once_whatever_goes_wrong(name: str) -> None:
    wrong = asyncio.run(play_all(name, SEEDS))
    assert not wrong, "\n\n".join(wrong)
