"""Run one replay: bring up its own stack, follow the feed until the file is done, read what came out, take it down."""

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cdb.replay.kept import Replays, ledger_of
from cdb.replay.summary import Summary, summarise
from cdb.replay.tape import Tape
from cdb.running.native import TRADING, Stack, StackError
from services.bus.streams import connect
from services.topology import DEAD_LETTERS

SERVICES: Final = ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution")
STUCK_AFTER_S: Final = 60.0
_POLL_S: Final = 0.1
_READY_S: Final = 120.0

OnProgress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to replay. speed is a factor or "max"; *into* a ledger that exists, or the name of one to be kept."""

    tape: Tape
    speed: str
    settings: dict[str, str]
    keep_as: str | None = None


def run(replays: Replays, request: Request, on_progress: OnProgress) -> Summary:
    """Replay in lockstep and return the summary. Raise StackError naming what failed; nothing is left running."""
    name = request.keep_as or f"unnamed-{time.time_ns()}"
    fresh = not replays.exists(name)
    finished = False
    config = replays.config(name, TRADING, _environment(request))
    try:
        with Stack(config) as stack:
            feed = _follow(stack, request.tape.rows, on_progress)
            dead_letters = _dead_letters(stack)
            for service in SERVICES:  # a service keeps what it must when it ends; ws first, so nothing new comes
                stack.stop_part(service)
            finished = True
            return summarise(ledger_of(config), feed, dead_letters=dead_letters, kept_as=request.keep_as)
    finally:
        if request.keep_as is None or (fresh and not finished):
            replays.remove(name)


def _environment(request: Request) -> dict[str, str]:
    return {
        **request.settings,
        "CDB_SOURCE": "replay",
        "CDB_REPLAY_FILE": str(request.tape.path.resolve()),
        "CDB_REPLAY_SPEED": request.speed,
        "CDB_SYMBOLS": ",".join(request.tape.symbols),
        "CDB_CLOCK": "event",
        "CDB_LOCKSTEP": "1",
        "CDB_TEST_ENDPOINTS": "0",
        "CDB_OTLP_ENDPOINT": "",
        "CDB_LOG_LEVEL": "WARNING",
    }


def _follow(stack: Stack, rows: int, on_progress: OnProgress) -> dict[str, Any]:
    """Return the feed's state once all *rows* are read and done with."""
    url = f"http://127.0.0.1:{stack.config.ports.cdb_ws}/feed"
    read, moved = -1, time.monotonic()
    while True:
        feed = _ask(url)
        if feed.get("failure"):
            raise StackError(f"the replay failed: {feed['failure']}")
        if feed.get("waiting") or feed.get("read", read) != read:
            read, moved = feed["read"], time.monotonic()
            on_progress(read)
        if feed.get("finished"):
            return feed
        if time.monotonic() - moved > STUCK_AFTER_S:
            unwell = [f"{part.name}: {part.health.detail or part.state}" for part in stack.status() if not part.ready]
            raise StackError(
                f"the replay stands still at row {read} of {rows}: {'; '.join(unwell) or 'every part is healthy'}"
            )
        time.sleep(_POLL_S)


def _dead_letters(stack: Stack) -> int:
    """Return how many messages no service could handle."""
    client = connect(
        host="127.0.0.1", port=stack.config.ports.redis, password=stack.config.environment["REDIS_PASSWORD"]
    )
    try:
        return int(client.xlen(DEAD_LETTERS))
    finally:
        client.close()


def _ask(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310  our own loopback address
            found: dict[str, Any] = json.load(reply)
    except OSError:
        return {}
    return found
