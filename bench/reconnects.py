"""How soon trades come again once an exchange is back: `python -m bench.reconnects [mexc|binance]`.

Many feeds at once, each on a stand-in of its own that is gone for a while; all else is as on a real market.
"""

import argparse
import asyncio
import logging
import random
import statistics
import time

import structlog

from services.ws.exchange.connection import Timing
from tests.exchange.feeds import Run, running_feed, until

FEEDS = 50
OUTAGES = ((0.1, 1.0), (1.0, 5.0), (20.0, 40.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exchange", nargs="?", choices=["mexc", "binance"], default="mexc")
    exchange = parser.parse_args().exchange
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(f"{exchange}, {FEEDS} feeds; seconds from when the exchange is back to the first live trade")
    print(f"{'gone for s':>12} {'median':>7} {'p95':>7} {'most':>7}")
    for shortest_s, longest_s in OUTAGES:
        found = sorted(asyncio.run(measured(exchange, shortest_s, longest_s)))
        p95 = found[int(0.95 * len(found))]
        print(f"{shortest_s:5.1f} to {longest_s:3.0f} {statistics.median(found):7.2f} {p95:7.2f} {found[-1]:7.2f}")


async def measured(exchange: str, shortest_s: float, longest_s: float) -> list[float]:
    return await asyncio.gather(*(one(exchange, random.uniform(shortest_s, longest_s)) for _ in range(FEEDS)))  # noqa: S311


async def one(exchange: str, outage_s: float) -> float:
    """Seconds until one feed gives a trade that is not late."""
    run = Run.new(exchange, rate=40.0)
    async with running_feed(run, timing=Timing()):
        await until(lambda: any(not trade.late for trade in run.given), within_s=30)
        await run.server.stop()
        await asyncio.sleep(outage_s)
        run.given.clear()
        await run.server.start()
        began = time.monotonic()
        await until(lambda: any(not trade.late for trade in run.given), within_s=90)
        return time.monotonic() - began


if __name__ == "__main__":
    main()
