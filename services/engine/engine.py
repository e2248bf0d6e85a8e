"""The services' own publisher, handlers and consumers, each with its own clock, as if they ran in four processes."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from services.bus.memory import MemoryBus, Streams
from services.bus.port import Bus
from services.clock import Clock, EventClock
from services.core import report as core_report
from services.core.handlers import CoreHandler
from services.engine.setup import Setup
from services.errors import ServerAway
from services.execution import report as execution_report
from services.execution.handlers import ExecutionHandler
from services.execution.store import ExecutionStore
from services.ledger.connection import Ledger
from services.risk.decider import Decider
from services.risk.handlers import RiskHandler
from services.risk.portfolio import Portfolio
from services.risk.state import RiskState
from services.risk.store import RiskStore
from services.runtime.consumer import BATCH, Consumer
from services.runtime.faults import Faults
from services.runtime.loop_state import LoopState
from services.topology import CORE, EXECUTION, READERS, RISK, SIGNALS, WS, Service
from services.ws.publisher import FeedStatus, Publisher
from services.ws.sources.port import Source
from services.ws.sources.replay import ReplaySource
from services.ws.trades import RawTrade, Refusal, TradeCheck

PATIENCE_S: Final = 60.0
"""So long a server may be away before the engine gives up."""


class EngineBroken(Exception):
    """The engine cannot go on; the text says why."""


class Engine:
    """Takes rows in their order and does all that they lead to before it takes the next ones. Not thread-safe.

    Several rows go in at once as long as they lead to nothing; the order of all effects is that of one row at a time.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        ledger_of: Callable[[Service], Ledger],
        bus_of: Callable[[Streams, Service, Clock], Bus] | None = None,
    ) -> None:
        self._setup = setup
        self._ledger_of = ledger_of
        self._bus_of = bus_of or _memory_bus
        self._makers = {CORE: self._core, RISK: self._risk, EXECUTION: self._execution}
        self._consumers: dict[Service, Consumer] = {}
        self._risk_state: RiskState | None = None
        self.streams = Streams()
        clock = EventClock()
        self._bus = self._bus_of(self.streams, WS, clock)
        check = TradeCheck(setup.symbols, clock)
        self._publisher = Publisher(self._bus, _Rows(), check, _State(), clock=clock, held=self._held)
        self._at_once = BATCH

    @property
    def feed(self) -> FeedStatus:
        """How many rows were read, published and refused."""
        return self._publisher.status

    @property
    def at_once(self) -> int:
        """How many rows should be taken in at once; fewer while many of them lead to signals."""
        return self._at_once

    def portfolio(self) -> Portfolio | None:
        """What is held and owed now, at the newest prices; None before the first price."""
        state = self._risk_state
        return None if state is None or state.book is None else state.portfolio(state.book)

    def start(self) -> None:
        """Start all services on the ledger as it is."""
        for service in self._makers:
            self.begin(service)

    def begin(self, service: Service) -> None:
        """Start *service* as a new process would; what another one has left is taken up."""
        self._consumers[service] = self._makers[service]()
        self._consumers[service].start()

    def take_in(self, rows: Sequence[RawTrade | Refusal]) -> None:
        """Publish *rows* (at most BATCH), and do what they lead to. Raises EngineBroken."""
        before = self.streams.stream(SIGNALS).end
        self._publisher.take_in(rows)
        self.settle()
        signals = self.streams.stream(SIGNALS).end - before
        self._at_once = (
            max(1, self._at_once // 2) if signals > 1 else min(BATCH, self._at_once + self._at_once // 4 + 1)
        )

    def settle(self) -> None:
        """Have every service work until nothing is left to do."""
        while not self._bus.settled(READERS):
            for consumer in self._consumers.values():
                consumer.turn()

    def finish(self) -> None:
        """Have every service keep what it would keep at its end."""
        for consumer in self._consumers.values():
            consumer.finish()

    def _core(self) -> Consumer:
        clock = EventClock()
        bus = self._bus_of(self.streams, CORE, clock)
        handler = CoreHandler(
            self._setup.strategies, symbols=self._setup.symbols, clock=clock, faults=Faults(), held=self._held
        )
        return Consumer(bus, handler, _State(), prepare=lambda: handler.rebuild(bus), on_error=core_report.error)

    def _risk(self) -> Consumer:
        clock = EventClock()
        store = RiskStore(self._ledger_of(RISK), opening_cash=self._setup.opening_cash)
        state = self._risk_state = RiskState(store, self._setup.limits, clock)
        decider = Decider(state, wait_for_flight=True, ledger_delay_s=lambda: 0.0)
        handler = RiskHandler(state, decider, symbols=self._setup.symbols, lockstep=True)
        return Consumer(self._bus_of(self.streams, RISK, clock), handler, _State())

    def _execution(self) -> Consumer:
        clock = EventClock()
        store = ExecutionStore(self._ledger_of(EXECUTION))
        handler = ExecutionHandler(store, self._setup.venue, clock=clock, faults=Faults())
        bus = self._bus_of(self.streams, EXECUTION, clock)
        return Consumer(bus, handler, _State(), on_error=execution_report.error)

    def _held(self) -> frozenset[str]:
        book = self._risk_state.book if self._risk_state else None
        return frozenset(book.positions) if book else frozenset()


class _Rows(Source):
    """Stands for rows that somebody else reads."""

    name = ReplaySource.name
    may_lose = False
    settings = ReplaySource.settings

    def __init__(self) -> None:
        pass

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        return None


class _State(LoopState):
    """Waits for a server, but not for ever: nobody looks after an engine."""

    def __init__(self) -> None:
        super().__init__()
        self._away_since: float | None = None

    def turned(self) -> None:
        if self._away_since is not None:
            self._away_since = None
            super().turned()

    def waits_for(self, away: ServerAway) -> None:
        super().waits_for(away)
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since > PATIENCE_S:
            raise EngineBroken(f"{away.server}: {away.detail}")


def _memory_bus(streams: Streams, service: Service, clock: Clock) -> Bus:
    return MemoryBus(streams, group=service.name, clock=clock)
