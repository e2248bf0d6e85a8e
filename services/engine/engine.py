"""The services' own publisher, handlers and consumers, each with its own clock, as if they ran in four processes."""

import threading
from collections.abc import Sequence
from typing import Final

from services.core import report as core_report
from services.core.handlers import CoreHandler
from services.engine.ground import Ground
from services.engine.setup import Setup
from services.execution import report as execution_report
from services.execution.handlers import ExecutionHandler
from services.execution.store import ExecutionStore
from services.risk.acting import Answer, Asked
from services.risk.decider import Decider
from services.risk.handlers import RiskHandler
from services.risk.portfolio import Portfolio
from services.risk.state import RiskState
from services.risk.store import RiskStore
from services.runtime.consumer import BATCH, Consumer
from services.runtime.faults import Faults
from services.runtime.requests import Requests
from services.topology import CORE, EXECUTION, ORDERS, READERS, RISK, WS, Service
from services.ws.publisher import FeedStatus, Publisher
from services.ws.sources.port import Source
from services.ws.sources.replay import ReplaySource
from services.ws.trades import RawTrade, Refusal, TradeCheck

SOURCE: Final = "replay"
"""What the account notes as its source: the ledger is that of a replay, row for row."""


class Engine:
    """Takes rows in their order and does all that they lead to before it takes the next ones. Not thread-safe.

    Several rows go in at once as long as they lead to nothing; the order of all effects is that of one row at a time.
    """

    def __init__(self, setup: Setup, ground: Ground) -> None:
        self._setup = setup
        self._ground = ground
        self._makers = {CORE: self._core, RISK: self._risk, EXECUTION: self._execution}
        self._consumers: dict[Service, Consumer] = {}
        self._risk_state: RiskState | None = None
        self.operators: list[Requests[Asked, Answer]] = []
        """What operators may ask of each process of risk, of the newest last."""
        clock = ground.clock()
        self._bus = ground.bus(WS, clock)
        check = TradeCheck(setup.symbols, clock)
        self._publisher = Publisher(self._bus, _Rows(), check, ground.loop_state(), clock=clock, held=self._held)
        self._at_once = BATCH

    @property
    def feed(self) -> FeedStatus:
        """How many rows were read, published and refused."""
        return self._publisher.status

    @property
    def at_once(self) -> int:
        """How many rows should be taken in at once; fewer while many of them lead to orders, which hold up the rest."""
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
        consumer = self._consumers[service] = self.process(service)
        consumer.start()

    def process(self, service: Service) -> Consumer:
        """What a process of *service* runs; it has not been started."""
        return self._makers[service]()

    def take_in(self, rows: Sequence[RawTrade | Refusal]) -> None:
        """Publish *rows* (at most BATCH), and do what they lead to. Raises EngineBroken."""
        orders = self._ground.streams.stream(ORDERS)
        before = orders.end
        self.publish(rows)
        while not self.is_settled():
            for service in self._makers:
                self.turn(service)
        many = orders.end - before > 1
        self._at_once = max(1, self._at_once // 2) if many else min(BATCH, self._at_once + self._at_once // 4 + 1)

    def publish(self, rows: Sequence[RawTrade | Refusal]) -> None:
        """Put those of *rows* on the bus that are trades."""
        self._publisher.take_in(rows)

    def turn(self, service: Service) -> None:
        """Have *service* read and handle once."""
        self._consumers[service].turn()

    def is_settled(self) -> bool:
        """Whether everything on the bus was read and handled."""
        return self._bus.settled(READERS)

    def finish(self) -> None:
        """Have every service keep what it would keep at its end."""
        for consumer in self._consumers.values():
            consumer.finish()

    def _core(self) -> Consumer:
        clock = self._ground.clock()
        bus = self._ground.bus(CORE, clock)
        handler = CoreHandler(
            self._setup.strategies, symbols=self._setup.symbols, clock=clock, faults=Faults(), held=self._held
        )
        return Consumer(
            bus,
            handler,
            self._ground.loop_state(),
            prepare=lambda: handler.rebuild(bus),
            on_error=core_report.error,
            monotonic=self._ground.monotonic,
        )

    def _risk(self) -> Consumer:
        clock, monotonic, lockstep = self._ground.clock(), self._ground.monotonic, self._ground.lockstep
        store = RiskStore(self._ground.ledger(RISK), opening_cash=self._setup.opening_cash, source=SOURCE)
        state = self._risk_state = RiskState(store, self._setup.limits, clock)
        decider = Decider(state, ledger_delay_s=lambda: 0.0)
        handler = RiskHandler(state, decider, symbols=self._setup.symbols, lockstep=lockstep, monotonic=monotonic)
        bus = self._ground.bus(RISK, clock)
        self.operators.append(Requests(handler.act))
        return Consumer(
            bus,
            handler,
            self._ground.loop_state(),
            prepare=lambda: handler.rebuild(bus),
            answer=self.operators[-1].answer,
            monotonic=monotonic,
        )

    def _execution(self) -> Consumer:
        clock = self._ground.clock()
        store = ExecutionStore(self._ground.ledger(EXECUTION))
        return Consumer(
            self._ground.bus(EXECUTION, clock),
            ExecutionHandler(store, self._setup.venue, clock=clock, faults=Faults()),
            self._ground.loop_state(),
            on_error=execution_report.error,
            monotonic=self._ground.monotonic,
        )

    def _held(self) -> frozenset[str]:
        book = self._risk_state.book if self._risk_state else None
        return frozenset(book.symbols()) if book else frozenset()


class _Rows(Source):
    """Stands for rows that somebody else reads."""

    name = ReplaySource.name
    may_lose = False
    settings = ReplaySource.settings

    def __init__(self) -> None:
        pass

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        return None
