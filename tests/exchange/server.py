"""What both exchanges have in common: two ports, connections with their limits, channels, and a tick that pushes."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.exchange.faults import Faults
from tests.exchange.limits import Limits
from tests.exchange.lines import Batch, Line
from tests.exchange.market import Deal, Market
from tests.exchange.pushes import Pushes
from tests.exchange.record import Closed, Message, Record
from tests.exchange.rest import RestServer
from tests.exchange.rest_rules import RestRules
from tests.exchange.strikes import strike

TICK_S: Final = 0.01
_QUIET: Final = logging.getLogger("tests.exchange")
_QUIET.disabled = True  # clients that vanish are what this is for


class ExchangeServer(ABC):
    """Listens on 127.0.0.1 from start() to stop(), which drops all at once; start() again uses the same ports."""

    name: ClassVar[str]
    ws_path: ClassVar[str]
    text: ClassVar[bool]
    """Whether deals come in text frames."""

    def __init__(
        self, market: Market, faults: Faults | None = None, *, limits: Limits, deflate: bool = False,
        ws_port: int = 0, rest_port: int = 0,
    ) -> None:  # fmt: skip
        self.market = market
        self.faults = faults or Faults()
        self.limits = limits
        self.record = Record()
        self.lines: set[Line] = set()
        self.pushes = Pushes(self)
        self._deflate = deflate
        self._ports = (ws_port, rest_port)
        self._server: Server | None = None
        self._rules = RestRules(self)
        self._rest = RestServer(self._rules.answer)
        self._ticking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ws_url(self) -> str:
        """Where WebSocket clients connect."""
        return f"ws://127.0.0.1:{self._ports[0]}{self.ws_path}"

    @property
    def rest_url(self) -> str:
        """What REST paths are appended to."""
        return f"http://127.0.0.1:{self._ports[1]}"

    @property
    def is_up(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def subscriptions(self) -> list[set[str]]:
        """The channels of each connection that is open, oldest first."""
        return [set(line.channels) for line in sorted(self.lines, key=lambda line: line.number) if line.number]

    async def start(self) -> None:
        """Listen on both ports."""
        self._server = await serve(
            self._converse,
            "127.0.0.1",
            self._ports[0],
            compression="deflate" if self._deflate else None,
            ping_interval=self.limits.ping_every_s,
            ping_timeout=self.limits.pong_within_s,
            close_timeout=1,
            open_timeout=60,
            process_request=self._greet,
            logger=_QUIET,
            create_connection=cast("type[ServerConnection]", partial(Line, self)),
        )
        await self._rest.start(self._ports[1])
        self._ports = (self._server.server.sockets[0].getsockname()[1], self._rest.port)
        self._ticking = asyncio.ensure_future(self._tick_forever())

    async def stop(self) -> None:
        """Drop all sockets at once, as an exchange that has lost its power."""
        for task in (*self._tasks, *([self._ticking] if self._ticking else [])):
            task.cancel()
        for line in list(self.lines):
            line.cut("stopped")
        await self._rest.stop()
        if self._server:
            self._server.close(close_connections=False)
            await self._server.wait_closed()
            self._server = None
        if self._ticking:
            with suppress(asyncio.CancelledError):
                await self._ticking
        self.pushes.clear()

    @abstractmethod
    async def received(self, line: Line, text: str) -> None:
        """Act on a client's message."""

    @abstractmethod
    def opened(self, line: Line) -> None:
        """Act on a connection that is open now, such as on what its address asks for."""

    @abstractmethod
    def symbol_of(self, channel: str) -> str:
        """The symbol of a channel, in upper case."""

    @abstractmethod
    def is_due(self, channel: str, last: int, now: int) -> bool:
        """Whether deals of *channel* are pushed; *last* and *now* are times in hundredths of a second."""

    @abstractmethod
    def encode(self, channel: str, deals: Sequence[Deal]) -> list[bytes]:
        """The frames that tell *deals*."""

    @abstractmethod
    def strange_frame(self, size: int) -> bytes:
        """A frame of a kind that does not exist yet."""

    @abstractmethod
    def rest_rows(self, path: str, query: dict[str, str], *, micros: bool) -> Any:
        """What REST answers with; raises RestError."""

    def shutdown_notice(self) -> str:
        """What announces an end to each client; empty: nothing does."""
        return ""

    def say(self, line: Line, text: str) -> None:
        """Send one client an answer."""
        line.push(Batch([text.encode()], text=not self.faults.wrong_type))

    def end(self, line: Line, code: int, why: str) -> None:
        """Close a connection with a close frame."""
        if not line.why_closed:
            line.why_closed = why
            self.spawn(line.close(code, why))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the tick, at most until stop()."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _greet(self, line: ServerConnection, request: Request) -> Response | None:
        if status := self.faults.refuse_upgrade:
            return line.respond(status, "no")
        return None if request.path.split("?")[0] == self.ws_path else line.respond(404, "no such path")

    async def _converse(self, connection: ServerConnection) -> None:
        line = cast("Line", connection)
        self.record.opened.append(time.monotonic())
        line.number = len(self.record.opened)
        self.opened(line)
        try:
            async for message in line:
                text = message if isinstance(message, str) else message.decode(errors="replace")
                self.record.messages.append(Message(time.monotonic(), line.number, text))
                if line.meter.allows():
                    await self.received(line, text)
                else:
                    self.end(line, 1008, "too many messages")
        except ConnectionClosed:
            pass
        finally:
            for channel in list(line.channels):
                self.pushes.unlisten(line, channel)
            self.record.closed.append(Closed(time.monotonic(), line.close_code or 1006, line.why_closed or "left"))

    async def _tick_forever(self) -> None:
        loop = asyncio.get_running_loop()
        now = int(loop.time() / TICK_S)
        while True:
            await asyncio.sleep(TICK_S)
            last, now = now, int(loop.time() / TICK_S)
            strike(self)
            for line in list(self.lines):
                if line.number and not line.frozen:
                    self._end_in_time(line)
            self.pushes.tick(last, now)

    def _end_in_time(self, line: Line) -> None:
        now, limits = line.loop.time(), self.limits
        quiet_s = now - line.flow_at
        if now - line.opened_at > limits.lifetime_s:
            self.end(line, 1001, "lifetime")
        elif not line.channels and limits.no_subscription_s is not None and quiet_s > limits.no_subscription_s:
            self.end(line, 1000, "no subscription")
        elif line.channels and limits.silence_s is not None and quiet_s > limits.silence_s:
            self.end(line, 1000, "silence")
