"""Whatever an exchange does wrong, each trade that it would still give comes out once, in order."""

import asyncio
from contextlib import suppress

import pytest

from services.ws.exchange.connection import Timing
from tests.exchange.feeds import QUICK, SYMBOLS, Run, until
from tests.exchange.schedule import random_faults

SEEDS = range(100)
AT_ONCE = 10


async def play(name: str, seed: int, timing: Timing = QUICK) -> str:
    """Run *seed*; says what is wrong at the end, if anything."""
    run = Run.new(name, seed=seed)
    await run.server.start()
    schedule = random_faults(seed)
    playing = asyncio.create_task(run.tape.run())
    feeding = asyncio.create_task(run.feed(timing).run(SYMBOLS))
    try:
        await schedule.run(run.server)
        await asyncio.sleep(0.3)
        run.tape.rate = 0.0
        await until(lambda: not any(run.missing(symbol) for symbol in SYMBOLS), within_s=10)
        await asyncio.sleep(0.5)  # what would come twice
    finally:
        for task in (playing, feeding):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await run.server.stop()
    wrong = [fault for symbol in SYMBOLS if (fault := run.wrong(symbol))]
    return f"{name}, seed {seed}: {'; '.join(wrong)}\n{schedule}" if wrong else ""


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
