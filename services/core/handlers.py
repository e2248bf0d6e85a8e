"""What cdb_core does with each trade: keep the strategy's windows, publish a signal where there is one."""

import time
from collections.abc import Sequence
from functools import partial

import structlog
from opentelemetry.trace import Span, use_span

from services.bus.streams import Bus, DeadEntry, Outgoing
from services.clock import Clock
from services.core.momentum import NAME, Momentum, MomentumSettings, Opinion, signal_from
from services.messages import MARKET_DATA, SIGNALS, BadMessage, MarketData, Signal, decode
from services.runtime.consumer import Batch, Outcome, Received
from services.runtime.faults import Faults
from services.runtime.retry import attempt
from telemetry import metrics, tracing

REBUILD_FROM = 20_000

log = structlog.get_logger()


class CoreHandler:
    """One strategy memory per symbol. It is rebuilt from the bus, so a restart loses no window."""

    streams: Sequence[str] = (MARKET_DATA,)

    def __init__(self, settings: MomentumSettings, *, symbols: frozenset[str], clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._memories = {symbol: Momentum(settings) for symbol in symbols}
        self._feed = (0, 0)

    def rebuild(self, bus: Bus) -> None:
        """Take in what this group has finished, so that windows and cool-downs are as before the restart."""
        for entry in bus.newest_finished(MARKET_DATA, count=REBUILD_FROM):
            try:
                trade = decode(MARKET_DATA, entry.data or b"")
            except BadMessage:
                continue
            memory = self._memories.get(trade.symbol) if isinstance(trade, MarketData) else None
            if memory is not None and isinstance(trade, MarketData) and memory.is_news(trade):
                memory.update(trade)

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
        started_ns = time.time_ns()
        memory = self._memories.get(trade.symbol)
        if memory is None:
            known = ", ".join(sorted(self._memories))
            outcome.dead.append(DeadEntry(item.entry, "unknown_symbol", f"{trade.symbol!r:.40} is none of {known}"))
            return
        if self._clock.is_ahead(trade.ts_event):
            outcome.dead.append(DeadEntry(item.entry, "bad_message", f"ts_event {trade.ts_event} is in the future"))
            return
        metrics.market_data_events_received.labels(symbol=trade.symbol, source=trade.source).inc()
        self._faults.raise_if_due(item.entry.id)
        self._note_gap(trade)
        self._clock.advance(trade.ts_event)
        if not memory.is_news(trade):
            return
        opinion = memory.update(trade)
        metrics.indicators_calculated.labels(indicator_type="momentum", symbol=trade.symbol).inc()
        metrics.indicators_calculated.labels(indicator_type="volume", symbol=trade.symbol).inc()
        if opinion is not None:
            self._give_signal(item, trade, opinion, started_ns, outcome)
        took_s = (time.time_ns() - started_ns) / 1e9
        metrics.signal_processing_duration_seconds.labels(strategy=NAME).observe(took_s)
        metrics.event_processing_duration_seconds.labels(service="cdb_core", event_type="market_data").observe(took_s)

    def _give_signal(
        self, item: Received, trade: MarketData, opinion: Opinion, started_ns: int, outcome: Outcome
    ) -> None:
        signal = signal_from(trade, opinion, stream_id=item.entry.id, now_ns=self._clock.now_ns())
        span = tracing.tracer().start_span(
            "signal.generate",
            context=tracing.root(),
            start_time=started_ns,
            attributes={"cdb.symbol": signal.symbol, "cdb.side": signal.side, "cdb.signal_id": signal.signal_id},
        )
        ended_ns = time.time_ns()
        outcome.outgoing.append(Outgoing(SIGNALS, signal, span.get_span_context()))
        outcome.afterwards.append(lambda: _report_signal(signal, span, ended_ns))

    def _note_gap(self, trade: MarketData) -> None:
        """Count what the bus dropped before it was read: the feed numbers its messages without gaps."""
        feed, last = self._feed
        if feed != trade.feed or trade.sequence > last:
            self._feed = (trade.feed, trade.sequence)
        if feed == trade.feed and trade.sequence > last + 1:
            lost = trade.sequence - last - 1
            metrics.market_data_trimmed.inc(lost)
            log.warning("market data lost on the bus", count=lost)


def _report_signal(signal: Signal, span: Span, ended_ns: int) -> None:
    """Record a signal that is on the bus; a span must not have ended while a value is recorded in it."""
    with use_span(span, end_on_exit=False):
        metrics.record_signal(signal.symbol, signal.side, NAME, signal.strength)
        log.info("signal", signal=signal.signal_id, side=signal.side, strength=str(signal.strength))
    span.end(ended_ns)
