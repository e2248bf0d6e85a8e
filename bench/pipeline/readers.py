"""What people who look cost: orders with and without many open pages of the console, in turns in one run.

`python -m bench.pipeline.readers URL COUNT` keeps COUNT pages open until its standard input ends, each asked for again
every REFRESH_S as a browser does, and then prints how long answers took, in seconds, as JSON.
"""

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import psutil

from bench.pipeline.latency import SETTINGS, compared, follow, to_order
from bench.pipeline.report import Aim, Distribution, Figure, Narrator, Section
from bench.stacks import MB, SERVICES, Bot, Lab

CONSOLE: Final = "cdb_console"
PARTS: Final = (*SERVICES, "otel_collector", "jaeger", "prometheus", "alertmanager", CONSOLE)
READERS: Final = 50
REFRESH_S: Final = 5.0
PAGES: Final = (
    *(f"/d/cdb-{name}" for name in ("trading-overview", "risk-alerts", "system-health", "account-performance")),
    *("/", "/decisions", "/traces", "/trades", "/alerts", "/system"),
)


def measure(lab: Lab, narrator: Narrator, *, seconds: float, rounds: int) -> Section:
    """Follow orders for *seconds* without and with readers, *rounds* times, in a different order each time."""
    section = Section(f"Readers: orders while {READERS} pages of the console are open", SETTINGS)
    found: dict[bool, list[Distribution]] = {False: [], True: []}
    answers: list[float] = []
    largest = 0.0
    with lab.run("readers", PARTS, SETTINGS) as bot:
        for number in range(rounds):
            for read in (bool(number % 2), not number % 2):
                with _readers(bot, READERS if read else 0, answers):
                    what = f"readers: {READERS if read else 'no'} pages open"
                    found[read].append(to_order(follow(bot, narrator, seconds, what=what)))
                    largest = max(largest, _megabytes(bot))
    section.rows = [
        {
            "round": number,
            "pages": READERS if read else 0,
            "orders": each.samples,
            "p50, ms": each.p50,
            "p95, ms": each.p95,
        }
        for read, runs in found.items()
        for number, each in enumerate(runs, 1)
    ]
    section.figures = [
        *compared("with pages open to without", found[True], found[False]),
        Figure("memory of the console", largest, "MB", Aim("<", 150)),
    ]
    section.distributions = [Distribution.of("answer of a page", [1000 * took for took in answers])]
    section.notes = [f"each page is asked for again every {REFRESH_S:g} s: {', '.join(PAGES)}"]
    return section


@contextmanager
def _readers(bot: Bot, number: int, answers: list[float]) -> Iterator[None]:
    url = f"http://127.0.0.1:{bot.stack.config.ports.of(CONSOLE)}"
    command = [sys.executable, "-m", "bench.pipeline.readers", url, str(number)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as readers:
        yield
        answers += json.loads(readers.communicate(timeout=30)[0])


def _megabytes(bot: Bot) -> float:
    pid = bot.stack.pid_of(CONSOLE)
    return psutil.Process(pid).memory_info().rss / MB if pid else 0.0


async def _read(url: str, number: int) -> list[float]:
    """Ask until standard input ends; how long each answer took."""
    took: list[float] = []
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:

        async def look(path: str) -> None:
            await asyncio.sleep(random.uniform(0, REFRESH_S))  # noqa: S311  no secret
            while not stop.is_set():
                begun = time.monotonic()
                (await client.get(path)).raise_for_status()
                took.append(time.monotonic() - begun)
                await asyncio.sleep(REFRESH_S)

        pages = [asyncio.ensure_future(look(path)) for path in itertools.islice(itertools.cycle(PAGES), number)]
        await stop.wait()
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)
    return took


if __name__ == "__main__":
    os.nice(19)  # they stand for browsers on other machines, which take nothing from the bot's processors
    print(json.dumps(asyncio.run(_read(sys.argv[1], int(sys.argv[2])))))
