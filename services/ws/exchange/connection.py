"""Keeps one WebSocket connection to an exchange open, and notices when it is open and yet dead."""

import asyncio
import contextlib
import os
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from services.ws.exchange import report
from services.ws.exchange.backoff import LONGEST_S, BackOff
from services.ws.exchange.merging import Teller
from services.ws.exchange.protocol import Confirmed, Deal, Ending, Exchange, Heard, Push, Refused, Unreadable

LARGEST_FRAME: Final = 4 * 1024 * 1024
TOO_LARGE: Final = 1009
UNREADABLE_LOGGED: Final = 10


@dataclass(frozen=True)
class Timing:
    """How long what may take, in seconds."""

    opening_s: float = 10.0
    confirming_s: float = 10.0
    ping_every_s: float = 20.0
    silence_s: float = 30.0
    symbol_silence_least_s: float = 10.0
    symbol_silence_most_s: float = 600.0
    unusual: float = 20.0
    """How many times its usual pause a symbol may be silent."""
    compare_every_s: float = 60.0
    """How often REST is asked whether a connection has missed something; where trades have ids, those show it."""
    refused_again_s: float = 60.0
    lifetime_s: float = 23.5 * 3600
    watch_every_s: float = 0.5
    hold_s: float = 1.0
    """For how long trades wait for REST to tell of those before them; then they are worth more than order."""
    ask_again_s: float = 1.0
    longest_pause_s: float = LONGEST_S
    measure_again_s: float = 5.0
    list_again_s: float = 60.0
    """When REST is asked again for the time, and for the list of symbols, if it did not answer."""
    overdue_s: float = 2.0
    """A trade that REST knows and no connection has told for so long will not be told any more."""


class Listener(Protocol):
    """Who wants to know what connections tell."""

    def confirmed(self, symbols: Sequence[str]) -> None: ...
    def told(self, deals: Sequence[Deal], teller: Teller) -> None: ...
    def refused(self, symbols: Sequence[str], why: str) -> None: ...
    def missed(self, symbols: Sequence[str]) -> None:
        """Something was sent that nobody could read."""
        ...

    def lost(self, symbols: Sequence[str], why: str) -> None: ...
    async def is_dead(self, symbols: Sequence[str], *, if_unknown: bool) -> bool:
        """Whether the exchange has had trades of *symbols* that nobody told; *if_unknown* if it does not say."""
        ...


class Dead(Exception):
    """The connection is open, but nothing comes; the text says what is missing."""


@dataclass
class _Silence:
    """When a symbol was heard last, and how long it usually is not."""

    heard: float
    usual_s: float = 1.0
    looked: float = field(default_factory=time.monotonic)

    def hear(self, now: float) -> None:
        self.usual_s += 0.05 * (now - self.heard - self.usual_s)
        self.heard = now

    def is_unusual(self, now: float, timing: Timing) -> bool:
        most_s = min(max(timing.unusual * self.usual_s, timing.symbol_silence_least_s), timing.symbol_silence_most_s)
        return now - max(self.heard, self.looked) > most_s


@dataclass
class Session:
    """One connection, from its opening to its end. *ready* is set when every symbol was confirmed or refused."""

    exchange: Exchange
    symbols: Sequence[str]
    listener: Listener
    timing: Timing
    again: bool
    due: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    opened: float | None = None
    _awaited: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)
    _silences: dict[str, _Silence] = field(default_factory=dict)
    _tellers: dict[str, Teller] = field(default_factory=dict)
    _pushes: dict[str, Push] = field(default_factory=dict)
    _heard: float = 0.0
    _asked: float = 0.0
    _unreadable: int = 0

    async def run(self) -> str:
        """Stay connected; returns why it ended."""
        try:
            async with connect(
                self.exchange.stream_url(),
                open_timeout=self.timing.opening_s,
                ping_interval=self.timing.ping_every_s,
                ping_timeout=None,  # a pong may be missed while trades flow; silence is looked into instead
                close_timeout=1.0,
                max_size=LARGEST_FRAME,
            ) as socket:
                return await self._talk(socket)
        except (OSError, TimeoutError, WebSocketException) as error:
            return f"cannot connect to {self.exchange.ws_url}: {_in_words(error)}{self._hint(error)}"

    def _hint(self, error: Exception) -> str:
        """What to look at if a server is there, but nothing of an exchange at this path."""
        if not isinstance(error, InvalidStatus) or error.response.status_code != HTTPStatus.NOT_FOUND:
            return ""
        return f"; {self.exchange.name.upper()}_WS_URL may be wrong, {self.exchange.usual_ws_url} is usual"

    async def _talk(self, socket: ClientConnection) -> str:
        self._heard = self.opened = time.monotonic()
        self._awaited = set(self.symbols)
        self._tellers = {symbol: Teller(live=True) for symbol in self.symbols}
        report.connected(self.symbols, self.exchange.name, again=self.again)
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(work) for work in (self._subscribe(socket), self._ping(socket), self._watch())
                ]
                try:
                    return await self._listen(socket)
                finally:
                    for task in beside:
                        task.cancel()
        except* Dead as dead:
            why = str(dead.exceptions[0])
        except* WebSocketException as closed:
            why = str(closed.exceptions[0])
        finally:
            report.disconnected()
        return why

    async def _listen(self, socket: ClientConnection) -> str:
        try:
            async for frame in socket:
                self._hear(frame)
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == TOO_LARGE:
                self._cannot_read(Unreadable("too_large", f"more than {LARGEST_FRAME} bytes"))
            return str(closed)
        return f"closed by the exchange: {socket.close_code} {socket.close_reason or ''}".strip()

    async def _subscribe(self, socket: ClientConnection) -> None:
        """Ask for all symbols, and from time to time again for those that were refused."""
        asked: Sequence[str] = self.symbols
        while True:
            for message in self.exchange.subscriptions(asked) if asked else ():
                await socket.send(message)
                await asyncio.sleep(1 / self.exchange.messages_per_s)
            self._asked = self._asked or time.monotonic()
            await asyncio.sleep(self.timing.refused_again_s)
            asked = sorted(self._refused)

    async def _ping(self, socket: ClientConnection) -> None:
        while (ping := self.exchange.ping()) is not None:
            await asyncio.sleep(self.timing.ping_every_s)
            await socket.send(ping)

    def _hear(self, frame: str | bytes) -> None:
        try:
            heard = self.exchange.read(frame)
        except Unreadable as error:
            self._cannot_read(error)
            return
        self._heard = time.monotonic()
        self._take(heard)

    def _take(self, heard: Heard) -> None:
        match heard:
            case None:
                pass
            case Confirmed(symbols):
                known = [symbol for symbol in symbols if symbol in self._awaited | self._refused]
                self._awaited -= set(known)
                self._refused -= set(known)
                self._silences |= {symbol: _Silence(self._heard) for symbol in known}
                self.listener.confirmed(known)
            case Refused(symbols, why):
                self._awaited -= set(symbols)
                for symbol in symbols:
                    self._silences.pop(symbol, None)
                if news := [symbol for symbol in symbols if symbol not in self._refused]:
                    self._refused |= set(news)
                    self.listener.refused(news, why)
            case Ending():
                self.due.set()
            case Push(deals) if deals:
                self._told(deals[0].symbol, heard)
        if not self._awaited:
            self.ready.set()

    def _told(self, symbol: str, push: Push) -> None:
        if symbol not in self._tellers:
            self._cannot_read(Unreadable("not_expected", f"trades of {symbol!r:.40}"))
            return
        if symbol in self._awaited or symbol in self._refused:  # data are as good as a confirmation
            self._take(Confirmed([symbol]))
        if silence := self._silences.get(symbol):
            silence.hear(self._heard)
        if not push.sent or push != self._pushes.get(symbol):  # the same frame again is no news
            self.listener.told(push.deals, self._tellers[symbol])
        self._pushes[symbol] = push

    def _cannot_read(self, error: Unreadable) -> None:
        self._unreadable += 1
        report.unreadable(error, self.exchange.name, in_log=self._unreadable <= UNREADABLE_LOGGED)
        self.listener.missed(self.symbols)

    async def _watch(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(self.timing.watch_every_s)
            now = time.monotonic()
            if self._awaited and self._asked and now - self._asked > self.timing.confirming_s:
                raise Dead(f"no answer to the subscription of {', '.join(sorted(self._awaited))}")
            if now - began > self.timing.lifetime_s:
                self.due.set()
            if now - self._heard > self.timing.silence_s:
                await self._look([*self._silences], now, now - self._heard, if_unknown=True)
                self._heard = now
            elif due := [symbol for symbol, silence in self._silences.items() if self._is_due(silence, now)]:
                longest_s = max(now - self._silences[symbol].heard for symbol in due)
                await self._look(due, now, longest_s, if_unknown=False)

    def _is_due(self, silence: _Silence, now: float) -> bool:
        to_compare = not self.exchange.has_ids and now - silence.looked > self.timing.compare_every_s
        return to_compare or silence.is_unusual(now, self.timing)

    async def _look(self, symbols: Sequence[str], now: float, seconds: float, *, if_unknown: bool) -> None:
        for symbol in symbols:
            self._silences[symbol].looked = now
        if await self.listener.is_dead(symbols, if_unknown=if_unknown):
            report.silent(symbols, self.exchange.name, seconds)
            raise Dead(f"silent for {seconds:.0f} s: {', '.join(symbols)}")


class Keeper:
    """Keeps a connection for *symbols*: opens it again when it is lost, and a second one before the first must end."""

    def __init__(self, exchange: Exchange, symbols: Sequence[str], listener: Listener, timing: Timing) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._listener = listener
        self._timing = timing
        self._backoff = BackOff(timing.longest_pause_s)
        self._was_open = False

    async def run(self) -> None:
        """Never ends by itself."""
        old: asyncio.Task[str] | None = None
        try:
            while True:
                session = self._session()
                task = asyncio.create_task(session.run())
                try:
                    old = await self._follow(session, task, old)
                finally:
                    if task is not old:
                        await _end(task)
        finally:
            if old is not None:
                await _end(old)

    def _session(self) -> Session:
        return Session(self._exchange, self._symbols, self._listener, self._timing, again=self._was_open)

    async def _follow(
        self, session: Session, task: "asyncio.Task[str]", old: "asyncio.Task[str] | None"
    ) -> "asyncio.Task[str] | None":
        """Let *session* live until it ends or another should take over from it; returns the task that still lives."""
        if old is not None:
            await _first_of(task, session.ready.wait())
            if not task.done():
                await _end(old)
                report.turned_over(self._exchange.name)
                self._listener.missed(self._symbols)  # the old one may have ended too early
                old = None
        if not task.done():
            self._was_open = True
            await _first_of(task, session.due.wait())
            if not task.done():
                return task
        if old is not None and not old.done():  # the new one failed, the old one still works
            await asyncio.wait([old], timeout=self._backoff.next_s())
            return old
        why = task.result()
        self._was_open = self._was_open or session.opened is not None
        went_well_s = time.monotonic() - session.opened if session.opened is not None else 0.0
        pause_s = self._backoff.next_s(went_well_s)
        report.not_connected(self._exchange.name, why, again_in_s=pause_s)
        self._listener.lost(self._symbols, why)
        await asyncio.sleep(pause_s)
        return None


def _in_words(error: Exception) -> str:
    """What the system calls *error*; asyncio's own words are about a call that failed."""
    if isinstance(error, ConnectionError) and error.errno is not None:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


async def _first_of(task: "asyncio.Task[str]", other: Coroutine[Any, Any, object]) -> None:
    waiting = asyncio.ensure_future(other)
    try:
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _end(task: "asyncio.Task[str]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
