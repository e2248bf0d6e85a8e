"""cdb_ws's loop: take what is due from the source, refuse what is no trade, put the rest on the bus."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from services.bus.streams import Bus, Outgoing
from services.clock import NANOSECONDS, Clock
from services.errors import ServerAway
from services.messages import MARKET_DATA, MarketData
from services.runtime.loop_state import Pulse
from services.runtime.retry import FIRST_PAUSE_S, LONGEST_PAUSE_S, persist
from services.ws.sources import Source
from services.ws.tape import NotATape
from services.ws.trades import RawTrade, Refusal, TradeCheck
from telemetry import metrics

SETTLE_PAUSE_S: Final = 0.0005
IDLE_PAUSE_S: Final = 0.5
REFUSALS_KEPT: Final = 100

T = TypeVar("T")
log = structlog.get_logger()


@dataclass
class FeedStatus:
    """How far the feed is, for whoever asks over HTTP."""

    source: str
    read: int = 0
    published: int = 0
    refused: int = 0
    dropped: int = 0
    waiting: bool = False
    finished: bool = False
    failure: str = ""
    refusals: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the status as plain values."""
        return dict(vars(self))


class Publisher:
    """Publishes one source; *prepare* runs once, when the bus is there.

    *readers* (stream: groups) makes it a lockstep: nothing goes out before they are done with what went before.
    """

    def __init__(
        self,
        bus: Bus,
        source: Source,
        check: TradeCheck,
        *,
        clock: Clock,
        pulse: Pulse,
        stop: threading.Event,
        readers: Mapping[str, Collection[str]] | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._prepare = prepare
        self.status = FeedStatus(source.name)
        self._bus = bus
        self._source = source
        self._check = check
        self._clock = clock
        self._pulse = pulse
        self._stop = stop
        self._readers = readers
        self._feed = time.time_ns()
        self._sequence = 0
        self._pause_s = FIRST_PAUSE_S

    def run(self) -> None:
        """Publish until told to stop; stay up when the source has nothing more."""
        self._persist(self._prepare)
        while not self._stop.is_set():
            if self._readers is not None and not self._persist(partial(self._bus.settled, self._readers)):
                self._stop.wait(SETTLE_PAUSE_S)
                continue
            try:
                found = self._source.next(self._stop)
            except NotATape as error:
                self.status.failure = str(error)
                break
            if found is None:
                self.status.finished = True
                break
            self.status.waiting = not found
            self._take_in(found)
        while not self._stop.wait(IDLE_PAUSE_S):
            self._persist(self._bus.ping)

    def _take_in(self, found: Sequence[RawTrade | Refusal]) -> None:
        messages: list[MarketData] = []
        for item in found:
            self.status.read += 1
            refusal = item if isinstance(item, Refusal) else self._check.objection(item)
            if refusal is not None:
                self._refuse(refusal)
            elif isinstance(item, RawTrade):
                messages.append(self._message(item, self._sequence + len(messages) + 1))
        if messages:
            self._publish(messages)
        elif self._pause_s == FIRST_PAUSE_S:
            self._pulse.beat()
        else:
            self._look_for_the_bus()

    def _message(self, trade: RawTrade, sequence: int) -> MarketData:
        self._clock.advance(trade.ts_event)
        metrics.market_data_received.labels(symbol=trade.symbol, source=self._source.name).inc()
        return MarketData(
            ts_event=trade.ts_event,
            ts_init=self._clock.now_ns(),
            symbol=trade.symbol,
            trade_id=trade.trade_id,
            side=trade.side,
            price=trade.price,
            quantity=trade.quantity,
            source=self._source.name,
            feed=self._feed,
            sequence=sequence,
        )

    def _publish(self, messages: list[MarketData]) -> None:
        outgoing = [Outgoing(MARKET_DATA, message) for message in messages]
        started = time.perf_counter()
        if self._source.may_lose:
            try:
                self._bus.publish(outgoing)
            except ServerAway as away:
                self._drop(len(messages), away)
                return
            self._taken()
        elif self._persist(lambda: self._bus.publish(outgoing)) is None:
            return
        self._sequence += len(messages)
        self.status.published += len(messages)
        self._report(messages, time.perf_counter() - started)

    def _drop(self, count: int, away: ServerAway) -> None:
        """Count what is lost because the market does not wait for the bus."""
        self.status.dropped += count
        metrics.market_data_dropped.inc(count)
        self._pulse.wait_for(away)
        self._stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _look_for_the_bus(self) -> None:
        """Find out whether it takes messages again: a Redis that is full answers a ping and refuses the next trade."""
        try:
            self._bus.try_writing()
        except ServerAway as away:
            self._pulse.wait_for(away)
        else:
            self._taken()

    def _taken(self) -> None:
        self._pause_s = FIRST_PAUSE_S
        self._pulse.beat()

    def _report(self, messages: list[MarketData], took_s: float) -> None:
        now_ns = self._clock.now_ns()
        latency = metrics.data_ingestion_latency_seconds.labels(source=self._source.name)
        for message in messages:
            latency.observe((now_ns - message.ts_event) / NANOSECONDS)
        metrics.redis_publish_duration_seconds.labels(topic=MARKET_DATA).observe(took_s)
        metrics.event_processing_duration_seconds.labels(service="cdb_ws", event_type="market_data").observe(took_s)

    def _refuse(self, refusal: Refusal) -> None:
        self.status.refused += 1
        metrics.market_data_refused.labels(reason=refusal.reason).inc()
        if len(self.status.refusals) < REFUSALS_KEPT:
            self.status.refusals.append({"where": refusal.origin, "reason": refusal.reason, "detail": refusal.detail})
            log.warning("trade refused", where=refusal.origin, reason=refusal.reason, detail=refusal.detail)

    def _persist(self, action: Callable[[], T]) -> T | None:
        return persist(action, pulse=self._pulse, stop=self._stop)
