"""Run one replay: bring up its own stack, follow the feed until the file is done, read what came out, take it down."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient
from cdb.replay.quiet import why_no_signal
from cdb.replay.saved import Replays, address_of
from cdb.replay.settings import environment
from cdb.replay.summary import Feed, Summary, summarise
from cdb.replay.tape import Tape
from cdb.replay.unhandled import Unhandled, unhandled
from cdb.running.native import TRADING, Stack, StackError
from cdb.running.native.ports import HOST
from services.bus.client import connect
from services.bus.dead_letters import DeadLetters
from services.ledger.connection import Ledger
from services.topology import NAMES

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
    told = {**environment(request.settings, request.tape.symbols), **_feed_of(request)}
    with replays.running(name, TRADING, told) as stack:
        feed = _follow(stack, request.tape.rows, on_progress)
        count, letters = _dead_letters(stack, request.tape)
        # A service writes the rest when it ends. In the order of the flow, so that nothing new comes to the next.
        for service in NAMES:
            stack.stop_part(service)
        if request.save_as:
            replays.keep(name)
        with closing(Ledger(address_of(stack.config), application="cdb-replay")) as ledger:
            summary = summarise(ledger, feed, saved_as=request.save_as)
        return replace(
            summary,
            dead_letters=count,
            unhandled=letters,
            notes=request.tape.notes,
            why_no_signal="" if summary.signals else why_no_signal([request.tape], request.settings),
        )


def _feed_of(request: Request) -> dict[str, str]:
    """What cdb_ws is told of the file."""
    return {
        "CDB_REPLAY_FILE": str(request.tape.path.resolve()),
        "CDB_REPLAY_READING": msgspec.json.encode(request.tape.reading).decode(),
        "CDB_REPLAY_SPEED": request.speed,
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


def _dead_letters(stack: Stack, tape: Tape) -> tuple[int, tuple[Unhandled, ...]]:
    """How many there are, and what the first are about."""
    password = stack.config.environment["REDIS_PASSWORD"]
    with closing(connect(host=HOST, port=stack.config.ports.redis, password=password)) as client:
        letters = DeadLetters(client)
        return letters.count(), tuple(unhandled(letters.all(), [tape]))
