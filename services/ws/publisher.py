"""cdb_ws's loop: take what is due from the source, refuse what is no trade, put the rest on the bus."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import UNSET

from services.bus.entries import Outgoing
from services.bus.port import Bus
from services.clock import Clock
from services.errors import ServerAway
from services.messages import MarketData
from services.runtime.loop_state import LoopState
from services.runtime.retry import FIRST_PAUSE_S, LONGEST_PAUSE_S, retry
from services.runtime.timeline import Timeline
from services.topology import MARKET_DATA
from services.ws import report
from services.ws.sources.port import Source, SourceGaveUp, SourceWaits
from services.ws.trades import RawTrade, Refusal, TradeCheck

SETTLE_PAUSE_S: Final = 0.0005
IDLE_PAUSE_S: Final = 0.5
LOOK_EVERY_S: Final = 1.0
REFUSALS_KEPT: Final = 100

T = TypeVar("T")


@dataclass
class FeedStatus:
    """How far the feed is, for whoever asks over HTTP. *failure* says why the source waits or, for good, gave up.

    *warning* says what else is wrong with it. *refused* and *refusals* are trades, *not_subscribed* symbols.
    """

    source: str
    read: int = 0
    published: int = 0
    refused: int = 0
    dropped: int = 0
    waiting: bool = False
    finished: bool = False
    gave_up: bool = False
    failure: str = ""
    warning: str = ""
    not_subscribed: Sequence[str] = ()
    refusals: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


class Publisher:
    """Publishes one source; *prepare* runs once, when the bus is there. *held* tells which symbols are held.

    *readers* (stream: groups) makes it a lockstep: nothing goes out before they are done with what went before.
    """

    def __init__(
        self,
        bus: Bus,
        source: Source,
        check: TradeCheck,
        state: LoopState,
        *,
        clock: Clock,
        readers: Mapping[str, Collection[str]] | None = None,
        prepare: Callable[[], None] = lambda: None,
        held: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self._prepare = prepare
        self._held = held
        self._next_look_for_held = 0.0
        self.status = FeedStatus(source.name)
        self._bus = bus
        self._source = source
        self._check = check
        self._state = state
        self._clock = clock
        self._readers = readers
        self._feed = time.time_ns()
        self._sequence = 0
        self._pause_s = FIRST_PAUSE_S
        self._next_look = 0.0

    def run(self) -> None:
        """Publish until told to stop; stay up when the source has nothing more."""
        self._retry(self._prepare)
        while not self._state.stop.is_set():
            if self._readers is not None and not self._retry(partial(self._bus.settled, self._readers)):
                self._state.stop.wait(SETTLE_PAUSE_S)
                continue
            self._look_for_held()
            found = self._next()
            if found is None:
                break
            self.take_in(found)
        while not self._state.stop.wait(IDLE_PAUSE_S):
            self._retry(self._bus.ping)

    def _look_for_held(self) -> None:
        """Go on with a symbol that is held though it is no longer traded; that the bus is away is said elsewhere."""
        if time.monotonic() < self._next_look_for_held:
            return
        self._next_look_for_held = time.monotonic() + LOOK_EVERY_S
        with suppress(ServerAway):
            if added := self._check.admit(self._held()):
                self._source.also(added)
                report.symbols_added(added, self._source.name)

    def _next(self) -> Sequence[RawTrade | Refusal] | None:
        """Ask the source for what is due; None if there will be nothing more."""
        self.status.warning = self._source.warning
        self.status.not_subscribed = sorted(self._source.not_subscribed)
        try:
            found = self._source.next(self._state.stop)
        except SourceWaits as wait:
            if self.status.failure != str(wait):
                report.source_waits(self._source.name, str(wait))
            self.status.failure = str(wait)
            self._state.stop.wait(IDLE_PAUSE_S)
            return []
        except SourceGaveUp as end:
            self.status.failure, self.status.gave_up = str(end), True
            report.source_gave_up(self._source.name, str(end))
            return None
        self.status.failure = ""
        self.status.finished = found is None
        return found

    def take_in(self, found: Sequence[RawTrade | Refusal]) -> None:
        """Publish what the source gave, and refuse what is no trade."""
        self.status.waiting = not found
        self.status.read += len(found)
        messages: list[MarketData] = []
        timely: list[MarketData] = []
        for item in found:
            if isinstance(item, Refusal):
                self._refuse(item)
            elif refusal := self._check.objection(item):
                self._refuse(refusal)
            else:
                messages.append(self._message(item, self._sequence + len(messages) + 1))
                timely += [] if item.history else messages[-1:]
        if messages:
            report.trades_read(messages, self._source.name)
            self._publish(messages, timely)
        elif self._pause_s == FIRST_PAUSE_S and time.monotonic() < self._next_look:
            self._state.turned()
        else:
            self._look_for_the_bus()

    def _message(self, trade: RawTrade, sequence: int) -> MarketData:
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
            late=True if trade.late else UNSET,
        )

    def _publish(self, messages: list[MarketData], timely: list[MarketData]) -> None:
        outgoing = [Outgoing(MARKET_DATA, message) for message in messages]
        timeline = Timeline()
        if self._source.may_lose:
            try:
                self._bus.publish(outgoing)
            except ServerAway as away:
                self._drop(len(messages), away)
                return
            self._taken()
        elif self._retry(lambda: self._bus.publish(outgoing)) is None:
            return
        self._sequence += len(messages)
        self.status.published += len(messages)
        report.trades_published(timely, self._source.name, now_ns=self._clock.now_ns(), took_s=timeline.seconds())

    def _drop(self, count: int, away: ServerAway) -> None:
        """Count what is lost because the market does not wait for the bus."""
        self.status.dropped += count
        report.trades_dropped(count)
        self._state.waits_for(away)
        self._state.stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _look_for_the_bus(self) -> None:
        """Find out whether it takes messages: a Redis that is full answers a ping and refuses the next trade.

        In a quiet market it also shows Redis that this process, the only one of its name, is alive.
        """
        try:
            self._bus.try_writing()
        except ServerAway as away:
            self._state.waits_for(away)
        else:
            self._taken()

    def _taken(self) -> None:
        self._pause_s = FIRST_PAUSE_S
        self._next_look = time.monotonic() + LOOK_EVERY_S
        self._state.turned()

    def _refuse(self, refusal: Refusal) -> None:
        self.status.refused += 1
        keep = len(self.status.refusals) < REFUSALS_KEPT
        if keep:
            self.status.refusals.append({"where": refusal.origin, "reason": refusal.reason, "detail": refusal.detail})
        report.trade_refused(refusal, in_log=keep)

    def _retry(self, action: Callable[[], T]) -> T | None:
        return retry(action, self._state)
