"""Runs a stand-in and its tape in a thread, for tests that are not asynchronous themselves."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.exchange.lively import LivelyTape
from tests.exchange.server import ExchangeServer
from tests.exchange.tape import Tape

T = TypeVar("T")


class Running:
    """A started server whose loop is another thread's. Faults and market may be used directly."""

    def __init__(self, server: ExchangeServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, T], *, within_s: float = 10.0) -> T:
        """Run something in the server's loop, such as `server.stop()`, and give its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def call(self, action: Callable[[], T]) -> T:
        """Call *action* between two ticks, such as several deals that must go out in one frame."""

        async def work() -> T:
            return action()

        return self.run(work())


@contextmanager
def running(server: ExchangeServer, tape: Tape | LivelyTape | None = None) -> Iterator[Running]:
    """Start *server* and, if there is one, *tape*; stop both at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stand-in", daemon=True)
    thread.start()
    handle = Running(server, loop)
    playing = None
    try:
        handle.run(server.start())
        playing = asyncio.run_coroutine_threadsafe(tape.run(), loop) if tape else None
        yield handle
    finally:
        if playing:
            playing.cancel()
        handle.run(server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
