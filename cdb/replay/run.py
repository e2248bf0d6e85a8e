"""Run one replay: bring up its own stack, follow the feed until the file is done, read what came out, take it down."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient
from cdb.replay.saved import Replays, address_of
from cdb.replay.summary import Feed, Summary, summarise
from cdb.replay.tape import Tape
from cdb.running.native import TRADING, Stack, StackError
from cdb.running.native.ports import HOST
from services.bus.client import connect
from services.ledger.connection import Ledger
from services.topology import DEAD_LETTERS, NAMES

STUCK_AFTER_S: Final = 60.0
_POLL_S: Final = 0.1

OnProgress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to replay. speed is a factor or "max"; *save_as* is the name of a saved ledger, which may be new."""

    tape: Tape
    speed: str
    settings: dict[str, str]
    save_as: str | None = None


def run(replays: Replays, request: Request, on_progress: OnProgress) -> Summary:
    """Replay in lockstep. Raises StackError naming what failed; nothing is left running."""
    name = request.save_as or f"unnamed-{time.time_ns()}"
    with replays.running(name, TRADING, _environment(request)) as stack:
        feed = _follow(stack, request.tape.rows, on_progress)
        dead_letters = _dead_letters(stack)
        # A service writes the rest when it ends. In the order of the flow, so that nothing new comes to the next.
        for service in NAMES:
            stack.stop_part(service)
        if request.save_as:
            replays.keep(name)
        with closing(Ledger(address_of(stack.config), application="cdb-replay")) as ledger:
            return summarise(ledger, feed, dead_letters=dead_letters, saved_as=request.save_as)


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


def _follow(stack: Stack, rows: int, on_progress: OnProgress) -> Feed:
    """Wait until all *rows* are read and everything that they led to is done."""
    read, moved = -1, time.monotonic()
    with HttpClient(f"http://{HOST}:{stack.config.ports.cdb_ws}", name="cdb_ws") as ws:
        while True:
            feed = _ask(ws)
            if feed.failure:
                raise StackError(f"the replay failed: {feed.failure}")
            if feed.waiting or feed.read not in {None, read}:
                read, moved = feed.read or 0, time.monotonic()
                on_progress(read)
            if feed.finished:
                return feed
            if time.monotonic() - moved > STUCK_AFTER_S:
                raise StackError(f"the replay is stuck at row {read} of {rows}: {_unwell(stack)}")
            time.sleep(_POLL_S)


def _unwell(stack: Stack) -> str:
    parts = [f"{part.name}: {part.health.detail or part.state}" for part in stack.status() if not part.ready]
    return "; ".join(parts) or "every part is healthy"


def _ask(ws: HttpClient) -> Feed:
    try:
        return ws.read(Feed, "/feed")
    except Away:
        return Feed()  # it starts, or starts again


def _dead_letters(stack: Stack) -> int:
    password = stack.config.environment["REDIS_PASSWORD"]
    with closing(connect(host=HOST, port=stack.config.ports.redis, password=password)) as client:
        return int(client.xlen(DEAD_LETTERS))
