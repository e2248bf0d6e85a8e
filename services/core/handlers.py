"""What cdb_core does with each trade: show it to every strategy, publish a signal where there is an opinion."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from services.bus.entries import Outgoing
from services.bus.streams import Bus
from services.clock import Clock
from services.core import report, trace
from services.core.signals import signal_from
from services.core.strategies.port import Opinion, Strategy
from services.messages import BadMessage, MarketData, decode
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Outcome, Received
from services.runtime.retry import attempt
from services.runtime.timeline import Timeline
from services.topology import CORE, MARKET_DATA, SIGNALS

REBUILD_FROM = 20_000


@dataclass
class _Watched:
    """A symbol: the strategies' memories of it, and its newest trade."""

    strategies: tuple[Strategy, ...]
    newest: tuple[int, int] = (0, -1)

    def is_news(self, trade: MarketData) -> bool:
        """Note *trade* if it is later than all before it; anything else was seen already or comes too late."""
        position = (trade.ts_event, trade.trade_id)
        if position <= self.newest:
            return False
        self.newest = position
        return True


class CoreHandler:
    """One memory per strategy and symbol. They are rebuilt from the bus, so a restart loses no window."""

    streams: Sequence[str] = CORE.reads

    def __init__(
        self, strategies: Sequence[Callable[[], Strategy]], *, symbols: frozenset[str], clock: Clock, faults: Faults
    ) -> None:
        self._strategies = strategies
        self._clock = clock
        self._faults = faults
        self._watched = {symbol: self._anew() for symbol in symbols}
        self._feed = (0, 0)

    def rebuild(self, bus: Bus) -> None:
        """Take in what this group has finished, so that windows and cool-downs are as before the restart."""
        for trade in _finished_trades(bus):
            watched = self._watched.get(trade.symbol)
            if watched is not None and watched.is_news(trade):
                for strategy in watched.strategies:
                    strategy.update(trade)

    def handle(self, batch: Batch) -> Outcome:
        """Take in each trade of *batch*, one failing without the others."""
        outcome = Outcome()
        for item in batch.received:
            assert isinstance(item.message, MarketData)  # noqa: S101  the stream's one type
            if error := attempt(partial(self._take_in, item, item.message, outcome)):
                outcome.failed.append((item, error))
        return outcome

    def housekeep(self) -> list[Outgoing]:
        """Do nothing: windows shed their old trades with each new one."""
        return []

    def close(self) -> None:
        """Keep nothing: the bus has it all."""

    def _take_in(self, item: Received, trade: MarketData, outcome: Outcome) -> None:
        timeline = Timeline()
        watched = self._watched.get(trade.symbol)
        if watched is None:
            outcome.put_aside_unknown(item.entry, trade.symbol, self._watched)
            return
        if outcome.leaves_out_early(item, self._clock):
            return
        if self._clock.is_ahead(watched.newest[0]):  # the clock was set back: windows and cool-downs would never end
            watched = self._watched[trade.symbol] = self._anew()
        report.trade_received(trade)
        self._faults.raise_if_due(item.entry.id)
        self._note_gap(trade)
        self._clock.advance(trade.ts_event)
        if watched.is_news(trade):
            took_s = 0.0
            for strategy in watched.strategies:
                if (opinion := strategy.update(trade)) is not None:
                    self._give_signal(item, trade, strategy, opinion, timeline, outcome)
                took_s = timeline.seconds()
                report.strategy_updated(strategy, trade.symbol, took_s)
            report.trade_handled(took_s)

    def _anew(self) -> _Watched:
        return _Watched(tuple(make() for make in self._strategies))

    def _give_signal(
        self,
        item: Received,
        trade: MarketData,
        strategy: Strategy,
        opinion: Opinion,
        timeline: Timeline,
        outcome: Outcome,
    ) -> None:
        signal = signal_from(trade, opinion, strategy.name, stream_id=item.entry.id, now_ns=self._clock.now_ns())
        span = trace.start_signal(signal, began_ns=timeline.began)
        ended_ns = timeline.now()
        outcome.outgoing.append(Outgoing(SIGNALS, signal, span.get_span_context()))
        outcome.afterwards += [partial(report.signal_given, signal, span), partial(span.end, ended_ns)]

    def _note_gap(self, trade: MarketData) -> None:
        """Count what the bus dropped before it was read: the feed numbers its messages without gaps."""
        feed, last = self._feed
        if feed != trade.feed or trade.sequence > last:
            self._feed = (trade.feed, trade.sequence)
        if feed == trade.feed and trade.sequence > last + 1:
            report.trades_lost(trade.sequence - last - 1)


def _finished_trades(bus: Bus) -> Iterator[MarketData]:
    for entry in bus.newest_finished(MARKET_DATA, count=REBUILD_FROM):
        try:
            trade = decode(MARKET_DATA, entry.data or b"")
        except BadMessage:
            continue
        if isinstance(trade, MarketData):
            yield trade
