"""A live exchange as a source: its feed runs in a thread of its own, and cdb_ws takes what has come."""

import asyncio
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from typing import ClassVar, Final

import structlog

from services.messages import MarketData
from services.settings import Settings
from services.ws import report
from services.ws.exchange.clock import ExchangeClock
from services.ws.exchange.connection import Timing
from services.ws.exchange.feed import Feed
from services.ws.exchange.protocol import Exchange, Listing, Unreadable, WebAddress, WsAddress
from services.ws.exchange.rest import Rest, RestAway
from services.ws.sources.port import NOT_YET, Source, SourceGaveUp, SourceRefused, SourceWaits
from services.ws.trades import RawTrade, Refusal

LONGEST_WAIT_S: Final = 0.25
MOST_WAITING: Final = 500_000
"""Trades that wait for the bus; the market does not, so older ones are dropped."""
MOST_AT_ONCE: Final = 2_000
LISTED_WITHIN_S: Final = 3.0
"""So long the start may wait for an exchange that does not answer."""

log = structlog.get_logger()


class LiveSettings(Settings):
    """Where an exchange is. Each says its own addresses, with a default."""

    ws_url: WsAddress
    rest_url: WebAddress


class LiveSource(Source):
    """Trades of some symbols on *exchange*."""

    may_lose = True
    remembers = 20_000
    exchange: ClassVar[type[Exchange]]
    settings: ClassVar[type[LiveSettings]]

    def __init__(self, settings: LiveSettings, symbols: tuple[str, ...]) -> None:
        exchange = self.exchange(settings.ws_url, settings.rest_url)
        self._symbols = symbols
        self._why = NOT_YET
        self._waiting: deque[RawTrade] = deque()
        self._has_come = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop  # of the feed's thread, from the start on
        self._feed = Feed(exchange, ExchangeClock(), give=self._take, tell_state=self._note_state, timing=Timing())
        self._listed: Mapping[str, Listing] | None = None
        self._unlisted = ""
        try:
            self._listed = refuse_unknown(exchange, symbols)
        except (RestAway, Unreadable) as away:
            self._unlisted = str(away)
            self._feed.note_unlisted(self._unlisted)

    @property
    def warning(self) -> str:
        """Why REST is of no use: gaps stay open, symbols are not compared, the clock is not measured."""
        return self._feed.warning

    @property
    def not_subscribed(self) -> Collection[str]:
        """Symbols that the exchange has refused, so far."""
        return self._feed.not_subscribed

    def start_from(self, recent: Sequence[MarketData]) -> None:
        """Connect; what the bus has already is not given again."""
        if self._unlisted:
            log.warning("symbols not compared with the exchange's", exchange=self.name, error=self._unlisted)
        self._feed.remember(recent)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name=f"{self.name} feed", daemon=True).start()

    def also(self, symbols: Collection[str]) -> None:
        """Connect for *symbols*, too."""
        self._loop.call_soon_threadsafe(self._feed.add, sorted(symbols))

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Wait for what the exchange tells; raises SourceWaits while there is no connection."""
        if not self._waiting and not self._has_come.wait(LONGEST_WAIT_S):
            if self._failure is not None:
                raise SourceGaveUp(f"{type(self._failure).__name__}: {self._failure}") from self._failure
            if self._why:
                raise SourceWaits(self._why)
            return []
        self._has_come.clear()
        waiting = self._waiting
        found = [waiting.popleft() for _ in range(min(len(waiting), MOST_AT_ONCE))]
        if waiting:
            self._has_come.set()
        return found

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._feed.run(self._symbols, listed=self._listed))
        except BaseException as error:
            log.exception("the feed has ended")
            self._failure = error

    def _take(self, trades: list[RawTrade]) -> None:
        self._waiting.extend(trades)
        self._has_come.set()
        dropped = 0
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            dropped += 1
        if dropped:
            report.trades_dropped(dropped)

    def _note_state(self, why: str) -> None:
        self._why = why


def refuse_unknown(exchange: Exchange, symbols: Sequence[str]) -> Mapping[str, Listing]:
    """Refuse to start with symbols that the exchange does not have; raises SourceRefused.

    Gives what the exchange lists; raises RestAway, Unreadable if it does not say.

    One that is only paused is no reason: a restart must not end the trade of all others. The feed tells of it.
    """
    listed = _listed(exchange)
    unknown = [_unknown(symbol, listed) for symbol in symbols if symbol not in listed]
    if unknown:
        raise SourceRefused(f"CDB_SYMBOLS is refused: {exchange.name} does not have {', '.join(unknown)}")
    return listed


def _listed(exchange: Exchange) -> Mapping[str, Listing]:
    """What the exchange lists, if it says so soon; raises RestAway, Unreadable.

    The thread is left behind if it does not: to look up a name that no server answers cannot be interrupted.
    """
    thread = ThreadPoolExecutor(max_workers=1)
    answer = thread.submit(asyncio.run, _ask(exchange))
    thread.shutdown(wait=False)
    try:
        return exchange.read_listing(answer.result(LISTED_WITHIN_S))
    except TimeoutError as error:
        raise RestAway(f"{exchange.listing_path}: no answer within {LISTED_WITHIN_S:.0f} s") from error


async def _ask(exchange: Exchange) -> bytes:
    async with Rest(exchange) as rest:
        return await rest.get(exchange.listing_path)


def _unknown(symbol: str, listed: Mapping[str, Listing]) -> str:
    near = get_close_matches(symbol, [name for name, one in listed.items() if one.trading], n=3)
    return symbol + (f" (did you mean {' or '.join(near)}?)" if near else "")
