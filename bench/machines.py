"""What figures depend on: the machine, the versions of the servers, how long a commit and an XADD take."""

import os
import platform
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil

from bench.stacks import Bot, Lab

_TRIES: Final = 200


def describe(lab: Lab) -> dict[str, Any]:
    """Name and value of everything about this machine that figures depend on."""
    load = os.getloadavg()[0]
    with lab.run("servers", (), {}) as bot:
        redis_version = bot.redis.info("server")["redis_version"]
        return {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
            "kernel": platform.release(),
            "python": platform.python_version(),
            "PostgreSQL": bot.query("SHOW server_version")[0][0].split()[0],
            "Redis": redis_version,
            "a commit": f"{_commit_ms(bot):.2f} ms",
            "an XADD": f"{_xadd_ms(bot):.2f} ms",
            "load of one minute": round(load, 2),
        }


def _commit_ms(bot: Bot) -> float:
    """Median time of one small transaction as a client sees it."""
    with closing(bot.connection()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tries (number int)")
        return median(_timed(lambda: cursor.execute("INSERT INTO tries VALUES (1)")) for _ in range(_TRIES))


def _xadd_ms(bot: Bot) -> float:
    return median(_timed(lambda: bot.redis.xadd("tries", {"data": b"x" * 250})) for _ in range(_TRIES))


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
