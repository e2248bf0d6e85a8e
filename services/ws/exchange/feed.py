"""An exchange's trades of some symbols: connections tell them, REST fills what they missed, and each comes out once."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from services.clock import MOST_AHEAD_NS, NANOSECONDS
from services.messages import MarketData
from services.ws.exchange import report
from services.ws.exchange.answers import Answers
from services.ws.exchange.backoff import BackOff
from services.ws.exchange.clock import ExchangeClock
from services.ws.exchange.connection import Keeper, Timing
from services.ws.exchange.merging import Merger, Taken, Teller, as_told, position
from services.ws.exchange.protocol import Deal, Exchange, Listing, Unreadable
from services.ws.exchange.rest import Rest, RestAway
from services.ws.trades import MOST_BEHIND_NS, RawTrade

QUIET_ASKS: Final = 4
"""After so many answers without a trade on the connection the market is believed to be quiet."""
MOST_PAGES: Final = 500
CLOCK_EVERY_S: Final = 60.0
LOOK_AT_OUR_CLOCK_EVERY_S: Final = 1.0
LISTING_EVERY_S: Final = 3600.0
NOT_LISTED: Final = Listing(trading=False, status="not listed")

Told = tuple[Deal, Teller]


@dataclass
class _Symbol:
    """One symbol's state. *held*: what waits for REST's answer; None if nothing has to wait."""

    name: str
    merger: Merger = field(default_factory=Merger)
    held: list[Told] | None = None
    filling: "asyncio.Task[None] | None" = None


class Feed:
    """Gives trades to *give* and says to *tell_state* why there are none ("" if there are)."""

    def __init__(
        self,
        exchange: Exchange,
        clock: ExchangeClock,
        *,
        give: Callable[[list[RawTrade]], None],
        tell_state: Callable[[str], None],
        timing: Timing,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._give = give
        self._tell_state = tell_state
        self._timing = timing
        self._symbols: dict[str, _Symbol] = {}
        self._listed: dict[str, Listing] = {}
        self._newest_ns = 0
        self._was_lost = False
        self._reconnected = asyncio.Event()
        self._answers = Answers(Rest(exchange), exchange.name)
        self.not_subscribed: frozenset[str] = frozenset()
        """Symbols that the exchange does not give, by its last answers."""
        self._tasks: asyncio.TaskGroup

    @property
    def warning(self) -> str:
        """What is wrong though trades come; "" if nothing is. Any thread may ask."""
        return self._answers.warning

    def note_unlisted(self, why: str) -> None:
        """Take notice that the exchange was asked in vain what it lists, before this began."""
        self._answers.note_away(self._exchange.listing_path, why, in_log=False)

    def remember(self, recent: Iterable[MarketData]) -> None:
        """Go on after these trades, which are on the bus already."""
        told: dict[str, list[Deal]] = {}
        for trade in recent:
            if trade.source == self._exchange.name:
                told.setdefault(trade.symbol, []).append(as_told(trade, has_ids=self._exchange.has_ids))
        for symbol, deals in told.items():
            self._symbol(symbol).merger.remember(sorted(deals, key=position))

    async def run(self, symbols: Sequence[str], *, listed: Mapping[str, Listing] | None = None) -> None:
        """Never ends by itself. *listed* is what the exchange lists, if it was asked already."""
        async with self._answers.rest, asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._measure_clock())
            self._tasks.create_task(self._watch_listing(listed))
            self.add(symbols)

    def add(self, symbols: Sequence[str]) -> None:
        """Connect for more symbols."""
        most = self._exchange.most_subscriptions
        for begin in range(0, len(symbols), most):
            some = symbols[begin : begin + most]
            for symbol in some:
                self._symbol(symbol)
            self._tasks.create_task(Keeper(self._exchange, some, self, self._timing).run())

    def confirmed(self, symbols: Sequence[str]) -> None:
        """A connection will tell of *symbols* from now on; REST is asked for what was before."""
        self._tell_state("")
        if self._was_lost:
            self._was_lost = False
            self._reconnected.set()
        self.not_subscribed -= {*symbols}
        for symbol in map(self._symbol, symbols):
            if symbol.merger.gap() is not None and symbol.held is None:
                symbol.held = []
                asyncio.get_running_loop().call_later(self._timing.hold_s, self._release, symbol)
            self._ask_for_gap(symbol)

    def told(self, deals: Sequence[Deal], teller: Teller) -> None:
        """A connection has told of trades of one symbol."""
        symbol = self._symbol(deals[0].symbol)
        told = [(deal, teller) for deal in deals]
        if symbol.held is not None:
            symbol.held += told
        else:
            self._publish(symbol, told)
            if symbol.filling is None and symbol.merger.gap() is not None:
                self._ask_for_gap(symbol)

    def refused(self, symbols: Sequence[str], why: str) -> None:
        """The exchange does not give these; the others go on."""
        report.refused(symbols, self._exchange.name, why)
        self.not_subscribed |= {*symbols}
        for symbol in map(self._symbol, symbols):
            symbol.merger.open_gap()

    def missed(self, symbols: Sequence[str]) -> None:
        """Some trades of *symbols* may have been missed just now."""
        for symbol in map(self._symbol, symbols):
            symbol.merger.open_gap()
            self._ask_for_gap(symbol)

    def lost(self, symbols: Sequence[str], why: str) -> None:
        """From now on trades of *symbols* may be missed."""
        self._tell_state(why)
        self._was_lost = True
        for symbol in map(self._symbol, symbols):
            self._release(symbol)
            symbol.merger.open_gap()

    async def is_dead(self, symbols: Sequence[str], *, if_unknown: bool) -> bool:
        """Whether REST knows trades of *symbols* that a connection should have told a while ago."""
        dead = False
        for symbol in map(self._symbol, symbols):
            try:
                answer = await self._ask(symbol)
            except (RestAway, Unreadable):
                return dead or if_unknown
            taken = self._publish(symbol, _by_rest(answer))
            overdue_ns = time.time_ns() - int(self._timing.overdue_s * NANOSECONDS)
            dead = dead or any(not one.late and self._clock.ours_ns(one.deal.time_ns) < overdue_ns for one in taken)
            report.filled(symbol.name, self._exchange.name, len(taken), ())
        return dead

    def _symbol(self, name: str) -> _Symbol:
        if name not in self._symbols:
            self._symbols[name] = _Symbol(name)
        return self._symbols[name]

    def _ask_for_gap(self, symbol: _Symbol) -> None:
        if symbol.filling is None and symbol.merger.gap() is not None:
            symbol.filling = self._tasks.create_task(self._fill(symbol))

    async def _fill(self, symbol: _Symbol) -> None:
        """Ask REST until nothing is missing, or what is missing cannot be had."""
        try:
            backoff = BackOff(self._timing.longest_pause_s)
            asked = 0
            while symbol.merger.gap() is not None:
                try:
                    answer = await self._ask(symbol)
                except (RestAway, Unreadable):
                    await asyncio.sleep(backoff.next_s())
                    continue
                asked += 1
                self._take_answer(symbol, answer, quiet=asked >= QUIET_ASKS)
                if symbol.merger.gap() is not None:
                    await asyncio.sleep(self._timing.ask_again_s)
        finally:
            symbol.filling = None

    def _take_answer(self, symbol: _Symbol, answer: Sequence[Deal], *, quiet: bool) -> None:
        is_start = symbol.merger.newest is None
        held, symbol.held = symbol.held or [], None
        told = sorted([*_by_rest(answer), *held], key=lambda one: position(one[0]))
        taken = self._publish(symbol, told)
        by_rest = sum(not one.live for one in taken)
        filled, lost = symbol.merger.fill(answer, quiet=quiet)
        if is_start:
            report.began(symbol.name, self._exchange.name, by_rest)
        else:
            report.filled(symbol.name, self._exchange.name, by_rest, filled)
        for gap in lost:
            report.not_filled(symbol.name, self._exchange.name, gap)

    async def _ask(self, symbol: _Symbol) -> list[Deal]:
        """The trades since the earliest gap, as far as REST goes back; raises RestAway, Unreadable."""
        gap = symbol.merger.gap()
        after = gap.after if gap else symbol.merger.newest
        answer: list[Deal] = []
        for _ in range(MOST_PAGES):
            query = self._exchange.trades_query(symbol.name, after)
            page = await self._answers.get(self._exchange.trades_path, partial(self._page, symbol.name, after), query)
            answer += page
            if not self._exchange.has_ids or after is None or len(page) < self._exchange.page_length:
                break
            after = page[-1]
        return answer

    def _page(self, symbol: str, after: Deal | None, body: bytes) -> list[Deal]:
        page = self._exchange.read_trades(symbol, body)
        if not page and after is not None and not self._exchange.has_ids:
            raise RestAway(f"{self._exchange.trades_path}: an empty answer, though there were trades")
        return page

    def _release(self, symbol: _Symbol) -> None:
        held, symbol.held = symbol.held, None
        if held:
            self._publish(symbol, held)

    def _publish(self, symbol: _Symbol, told: Iterable[Told]) -> list[Taken]:
        before = symbol.merger.duplicates
        taken = list(symbol.merger.take(one for one in told if self._can_be(one[0])))
        if dropped := symbol.merger.duplicates - before:
            report.duplicates_dropped(self._exchange.name, dropped)
        if taken:
            self._give([self._trade(one) for one in taken])
        return taken

    def _can_be(self, deal: Deal) -> bool:
        """Whether its time is none that is still to come: all that follows would look late beside it."""
        if not self._clock.is_far_ahead(deal.time_ns):
            return True
        error = Unreadable("bad_value", f"a trade of {deal.symbol} from the future: {deal.time_ns} ns since 1970")
        report.unreadable(error, self._exchange.name, in_log=True)
        return False

    def _trade(self, taken: Taken) -> RawTrade:
        deal = taken.deal
        ts_event = self._clock.stamp(deal.symbol, deal.time_ns, late=taken.late)
        now_ns = time.time_ns()
        if self._newest_ns > now_ns + MOST_AHEAD_NS:  # our clock was set back
            self._newest_ns = 0
        behind = taken.late or ts_event < max(now_ns, self._newest_ns) - MOST_BEHIND_NS
        self._newest_ns = max(self._newest_ns, ts_event)
        history = taken.late or not taken.live
        return RawTrade(
            deal.symbol, taken.trade_id, deal.side, deal.price, deal.quantity, ts_event, late=behind, history=history
        )

    async def _measure_clock(self) -> None:
        next_s = 0.0
        while True:
            self._clock.follow_jumps()
            if not self._clock.is_measured or time.monotonic() >= next_s:
                next_s = time.monotonic() + CLOCK_EVERY_S
                await self._measure()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AT_OUR_CLOCK_EVERY_S):
                    await self._reconnected.wait()
                self._reconnected.clear()
                next_s = 0.0  # another server may answer, or our clock was set while nothing came

    async def _measure(self) -> None:
        began_ns = time.time_ns()
        try:
            theirs_ns = await self._answers.get(self._exchange.time_path, self._exchange.read_time)
        except (RestAway, Unreadable):
            await asyncio.sleep(self._timing.measure_again_s)
            return
        before_s = self._clock.correction_s
        if self._clock.measure(began_ns, theirs_ns, time.time_ns()) and self._clock.skew_s is not None:
            report.clock_measured(self._exchange.name, self._clock.skew_s)
        if self._clock.correction_s != before_s:
            report.clock_corrected(self._exchange.name, before_s=before_s, now_s=self._clock.correction_s)

    async def _watch_listing(self, known: Mapping[str, Listing] | None) -> None:
        """Look from time to time whether the exchange still trades what is traded here."""
        while True:
            try:
                if known is None:
                    known = await self._answers.get(self._exchange.listing_path, self._exchange.read_listing)
            except (RestAway, Unreadable):
                await asyncio.sleep(self._timing.list_again_s)
                continue
            for symbol in self._symbols:
                self._note_listing(symbol, known.get(symbol, NOT_LISTED))
            known = None
            await asyncio.sleep(LISTING_EVERY_S)

    def _note_listing(self, symbol: str, listing: Listing) -> None:
        report.listed(symbol, self._exchange.name, listing, changed=self._listed.get(symbol) != listing)
        self._listed[symbol] = listing


def _by_rest(answer: Sequence[Deal]) -> list[Told]:
    teller = Teller(live=False)
    return [(deal, teller) for deal in answer]
