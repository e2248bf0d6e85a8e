"""Whatever an exchange does wrong, each trade that it would still give comes out once, in order."""

import asyncio

import pytest

from tests.exchange.feeds import Run, running_feed, settled
from tests.exchange.schedule import random_faults

SEEDS = range(100)
AT_ONCE = 10


async def play(name: str, seed: int) -> str:
    """Run *seed*; says what is wrong at the end, if anything."""
    run = Run.new(name, seed=seed)
    schedule = random_faults(seed)
    async with running_feed(run):
        await schedule.run(run.server)
        await asyncio.sleep(0.3)
        wrong = await settled(run)
    return f"{name}, seed {seed}: {wrong}\n{schedule}" if wrong else ""


async def play_all(name: str, seeds: range) -> list[str]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> str:
        async with turns:
            return await play(name, seed)

    return [wrong for wrong in await asyncio.gather(*map(one, seeds)) if wrong]


@pytest.mark.parametrize("name", ["mexc", "binance"])
def test_every_trade_comes_out_once_whatever_goes_wrong(name: str) -> None:
    wrong = asyncio.run(play_all(name, SEEDS))
    assert not wrong, "\n\n".join(wrong)
