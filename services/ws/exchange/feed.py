"""An exchange's trades of some symbols: connections tell them, REST fills what they missed, and each comes out once."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.clock import MOST_AHEAD_NS, NANOSECONDS
from services.messages import MarketData
from services.ws.exchange import report
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
MEASURE_AGAIN_S: Final = 5.0
LOOK_AT_OUR_CLOCK_EVERY_S: Final = 1.0
LISTING_EVERY_S: Final = 3600.0
LISTING_AGAIN_S: Final = 60.0
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
        self._away = ""
        self._rest: Rest
        self._tasks: asyncio.TaskGroup

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
        async with Rest(self._exchange) as self._rest, asyncio.TaskGroup() as self._tasks:
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
        for symbol in map(self._symbol, symbols):
            self._release(symbol)
            symbol.merger.open_gap()

    async def is_dead(self, symbols: Sequence[str], *, if_unknown: bool) -> bool:
        """Whether REST knows trades of *symbols* that a connection should have told a while ago."""
        dead = False
        for symbol in map(self._symbol, symbols):
            try:
                answer = await self._ask(symbol)
            except (RestAway, Unreadable) as away:
                self._note_away(away)
                return dead or if_unknown
            taken = self._publish(symbol, _by_rest(answer))
            overdue_ns = time.time_ns() - int(self._timing.overdue_s * NANOSECONDS)
            dead = dead or any(not one.late and self._clock.ours_ns(one.deal.time_ns) < overdue_ns for one in taken)
            report.filled(symbol.name, self._exchange.name, len(taken), 0.0)
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
                except (RestAway, Unreadable) as away:
                    self._note_away(away)
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
            report.filled(symbol.name, self._exchange.name, by_rest, sum(gap.seconds() for gap in filled))
        for gap in lost:
            report.not_filled(symbol.name, self._exchange.name, gap)

    async def _ask(self, symbol: _Symbol) -> list[Deal]:
        """The trades since the earliest gap, as far as REST goes back; raises RestAway, Unreadable."""
        gap = symbol.merger.gap()
        after = gap.after if gap else symbol.merger.newest
        answer: list[Deal] = []
        for _ in range(MOST_PAGES):
            query = self._exchange.trades_query(symbol.name, after)
            page = self._exchange.read_trades(symbol.name, await self._rest.get(self._exchange.trades_path, query))
            if not page and after is not None and not self._exchange.has_ids:
                raise RestAway("an empty answer, though there were trades")
            self._away = ""
            answer += page
            if not self._exchange.has_ids or after is None or len(page) < self._exchange.page_length:
                break
            after = page[-1]
        return answer

    def _note_away(self, away: RestAway | Unreadable) -> None:
        """Tell why REST is of no use; once, however often it is asked meanwhile."""
        if str(away) != self._away:
            self._away = str(away)
            report.rest_away(self._exchange.name, self._away)

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
        late = taken.late or ts_event < max(now_ns, self._newest_ns) - MOST_BEHIND_NS
        self._newest_ns = max(self._newest_ns, ts_event)
        return RawTrade(deal.symbol, taken.trade_id, deal.side, deal.price, deal.quantity, ts_event, late=late)

    async def _measure_clock(self) -> None:
        next_s = 0.0
        while True:
            self._clock.follow_jumps()
            if not self._clock.is_measured or time.monotonic() >= next_s:
                next_s = time.monotonic() + CLOCK_EVERY_S
                await self._measure()
            await asyncio.sleep(LOOK_AT_OUR_CLOCK_EVERY_S)

    async def _measure(self) -> None:
        began_ns = time.time_ns()
        try:
            theirs_ns = self._exchange.read_time(await self._rest.get(self._exchange.time_path))
        except (RestAway, Unreadable) as away:
            self._note_away(away)
            await asyncio.sleep(MEASURE_AGAIN_S)
            return
        if self._clock.measure(began_ns, theirs_ns, time.time_ns()) and self._clock.skew_s is not None:
            report.clock_measured(self._exchange.name, self._clock.skew_s)

    async def _watch_listing(self, listed: Mapping[str, Listing] | None) -> None:
        """Look from time to time whether the exchange still trades what is traded here."""
        while True:
            try:
                listed = listed or self._exchange.read_listing(await self._rest.get(self._exchange.listing_path))
            except (RestAway, Unreadable) as away:
                self._note_away(away)
                await asyncio.sleep(LISTING_AGAIN_S)
                continue
            for symbol in self._symbols:
                self._note_listing(symbol, listed.get(symbol, NOT_LISTED))
            listed = None
            await asyncio.sleep(LISTING_EVERY_S)

    def _note_listing(self, symbol: str, listing: Listing) -> None:
        report.listed(symbol, self._exchange.name, listing, changed=self._listed.get(symbol) != listing)
        self._listed[symbol] = listing


def _by_rest(answer: Sequence[Deal]) -> list[Told]:
    teller = Teller(live=False)
    return [(deal, teller) for deal in answer]
