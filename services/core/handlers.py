"""What cdb_core does with each trade: show it to every strategy, publish a signal where there is an opinion."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns

from services.bus.entries import Outgoing
from services.bus.port import Bus
from services.bus.trades import finished_trades
from services.clock import Clock
from services.core import report, trace
from services.core.activity import Activity
from services.core.signals import signal_from
from services.core.strategies.port import Opinion, Strategy
from services.messages import MarketData
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Outcome, Received
from services.runtime.retry import attempt
from services.runtime.timeline import Timeline, seconds_since
from services.topology import CORE, SIGNALS

REBUILD_FROM = 20_000


@dataclass
class _Watched:
    """A symbol: the strategies' memories of it, and its newest trade. *sell_only*: it is held, but no longer traded."""

    strategies: tuple[Strategy, ...]
    activity: Activity
    sell_only: bool = False
    newest: tuple[int, int] = (0, -1)

    def is_news(self, trade: MarketData) -> bool:
        """Note *trade* if it is later than all before it; anything else was seen already or comes too late."""
        position = (trade.ts_event, trade.trade_id)
        if position <= self.newest:
            return False
        self.newest = position
        return True


class CoreHandler:
    """One memory per strategy and symbol. They are rebuilt from the bus, so a restart loses no window.

    *held* tells which symbols are held: one that is no longer traded is watched all the same, and only sold.
    """

    streams: Sequence[str] = CORE.reads

    def __init__(
        self,
        strategies: Sequence[Callable[[], Strategy]],
        *,
        symbols: frozenset[str],
        clock: Clock,
        faults: Faults,
        held: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._held = held
        self._strategies = strategies
        self._watched = {symbol: self._watch(sell_only=False) for symbol in symbols}
        self._feed = (0, 0)

    def rebuild(self, bus: Bus) -> None:
        """Take in what this group has finished, so that windows and cool-downs are as before the restart.

        What was put aside then is left out now, too: a symbol that nobody watches, a trade at which a strategy fails.
        """
        self._watch_held()
        for trade in finished_trades(bus, self._clock, most=REBUILD_FROM):
            watched = self._watched.get(trade.symbol)
            if watched is None or not watched.is_news(trade):
                continue
            watched.activity.take_in(trade)
            for strategy in watched.strategies:
                attempt(_ask, strategy, trade)
        for watched in self._watched.values():
            watched.activity.take_notional()  # an earlier process has counted it

    def handle(self, batch: Batch) -> Outcome:
        """Take in each trade of *batch*, one failing without the others."""
        outcome = Outcome()
        symbols = {item.message.symbol for item in batch.received if isinstance(item.message, MarketData)}
        if not symbols <= self._watched.keys():
            self._watch_held()  # before anything is taken in: the bus may be away
        for item in batch.received:
            assert isinstance(item.message, MarketData)  # noqa: S101  the stream's one type
            if error := attempt(self._take_in, item, item.message, outcome):
                outcome.failed.append((item, error))
        return outcome

    def housekeep(self) -> list[Outgoing]:
        """Show how much the market moves and trades."""
        for symbol, watched in self._watched.items():
            report.market(symbol, watched.activity)
        return []

    def close(self) -> None:
        """Keep nothing: the bus has it all."""

    def _take_in(self, item: Received, trade: MarketData, outcome: Outcome) -> None:
        began = perf_counter_ns()
        watched = self._watched.get(trade.symbol)
        if watched is None:
            outcome.put_aside_unknown(item.entry, trade.symbol, self._watched)
            return
        if outcome.leaves_out_early(item, self._clock):
            return
        if self._clock.is_ahead(watched.newest[0]):  # the clock was set back: windows and cool-downs would never end
            watched = self._watched[trade.symbol] = self._watch(sell_only=watched.sell_only)
        report.trade_received(trade)
        self._faults.raise_if_due(item.entry.id)
        self._note_gap(trade)
        self._clock.advance(trade.ts_event)
        if watched.is_news(trade):
            watched.activity.take_in(trade)
            self._update_all(item, trade, watched, began, outcome)

    def _update_all(self, item: Received, trade: MarketData, watched: _Watched, began: int, outcome: Outcome) -> None:
        """Show *trade* to every strategy, each once: one that fails would fail again, and the others have seen it."""
        took_s = 0.0
        for strategy in watched.strategies:
            if error := attempt(self._show, item, trade, strategy, watched, began, outcome):
                report.strategy_failed(strategy, error)
                detail = f"{strategy.name} failed: {type(error).__name__}: {error}"
                outcome.put_aside(item.entry, "handler", detail)
            took_s = seconds_since(began)
            report.strategy_updated(strategy, trade.symbol, took_s)
        report.trade_handled(took_s)

    def _show(
        self,
        item: Received,
        trade: MarketData,
        strategy: Strategy,
        watched: _Watched,
        began: int,
        outcome: Outcome,
    ) -> None:
        opinion = _ask(strategy, trade)
        if opinion is None or trade.late:
            return
        if not (watched.sell_only and opinion.side == "BUY"):
            self._give_signal(item, trade, strategy, opinion, Timeline(began), outcome)

    def _watch_held(self) -> None:
        """Watch what is held though no longer traded; a strategy may still say when to sell it."""
        if added := frozenset(self._held()) - self._watched.keys():
            self._watched |= {symbol: self._watch(sell_only=True) for symbol in added}
            report.symbols_added(added)

    def _watch(self, *, sell_only: bool) -> _Watched:
        return _Watched(tuple(make() for make in self._strategies), Activity(), sell_only)

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


def _ask(strategy: Strategy, trade: MarketData) -> Opinion | None:
    """Show *trade* to *strategy*, whose errors are errors: it must not end the program with sys.exit."""
    try:
        return strategy.update(trade)
    except SystemExit as error:
        if type(error) is not SystemExit:  # the program's own, which a signal raised
            raise
        raise RuntimeError(f"it called sys.exit({error.code!r})") from error
