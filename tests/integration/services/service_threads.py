"""core, risk and execution in threads of one process, on a real Redis and a real ledger: for looking at their spans."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final

import redis

from services.bus.entries import Outgoing
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.core.handlers import CoreHandler
from services.core.strategies.momentum_v1 import Momentum, MomentumSettings
from services.execution.handlers import ExecutionHandler
from services.execution.store import ExecutionStore
from services.execution.venue import VenueSettings
from services.ledger.connection import Ledger
from services.messages import encode
from services.risk.acting import Answer, Asked
from services.risk.decider import Decider
from services.risk.handlers import RiskHandler
from services.risk.limits import Limits
from services.risk.state import RiskState
from services.risk.store import RiskStore
from services.runtime.consumer import Consumer
from services.runtime.faults import Faults
from services.runtime.handling import Handler
from services.runtime.instrumentation import trace_statements
from services.runtime.loop_state import LoopState
from services.runtime.requests import Requests
from services.topology import MARKET_DATA
from tests.support.building import a_signal, a_trade
from tests.support.servers import Database, Servers

SYMBOLS: Final = frozenset({"BTCUSDT", "ETHUSDT"})
LIMITS: Final = Limits(max_signal_age_s=3600, max_price_age_s=3600)
"""Nothing is stale, however slow the machine."""
MOMENTUM: Final = partial(Momentum, MomentumSettings(cooldown_s=0.001))


@dataclass
class ServiceThreads:
    """The three services; prices and signals are put on the bus by hand."""

    servers: Servers
    database: Database
    faults: Faults = field(default_factory=Faults)
    core_faults: Faults = field(default_factory=Faults)
    delay_s: float = 0.0
    trades: int = 0
    operators: Requests[Asked, Answer] | None = None

    def __post_init__(self) -> None:
        self._states: list[LoopState] = []
        self.client = self.servers.redis()
        self._ledgers: list[Ledger] = []
        self._threads: list[threading.Thread] = []

    def price(self, price: str, symbol: str = "BTCUSDT") -> str:
        """Let one trade happen now and return its entry id."""
        self.trades += 1
        now_ns = time.time_ns()
        trade = a_trade(
            ts_event=now_ns, ts_init=now_ns, symbol=symbol, price=Decimal(price), trade_id=self.trades,
            sequence=self.trades,
        )  # fmt: skip
        return self._bus("test").publish([Outgoing(MARKET_DATA, trade)])[0]

    def signal(self, side: str, fields: dict[Any, Any], symbol: str = "BTCUSDT") -> str:
        """Put a signal based on the newest price on the bus, with *fields* besides its data; return its id."""
        stream_id = self.price("100", symbol)
        now_ns = time.time_ns()
        opinion = a_signal(
            ts_event=now_ns, ts_init=now_ns, symbol=symbol, side=side, trade_id=self.trades, stream_id=stream_id
        )
        self.client.xadd("signals", {"data": encode(opinion), **fields})
        return opinion.signal_id

    def start(self, *services: str) -> None:
        """Run *services*, by default all three."""
        for service in services or ("cdb_core", "cdb_risk", "cdb_execution"):
            handler = {"cdb_core": self._core, "cdb_risk": self._risk, "cdb_execution": self._execution}[service]()
            state = LoopState()
            self._states.append(state)
            consumer = Consumer(self._bus(service), handler, state, answer=self._answer(handler))
            thread = threading.Thread(target=_ending_quietly(consumer.run), name=service, daemon=True)
            self._threads.append(thread)
            thread.start()

    def entries(self, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """All that *stream* holds."""
        found: Any = self.client.xrange(stream)
        return list(found)

    def close(self) -> None:
        """End all."""
        for state in self._states:
            state.stop.set()
        for thread in self._threads:
            thread.join(20)
        for ledger in self._ledgers:
            ledger.close()
        self.client.close()
        assert not any(thread.is_alive() for thread in self._threads)

    def _core(self) -> Handler:
        return CoreHandler([MOMENTUM], symbols=SYMBOLS, clock=WallClock(), faults=self.core_faults)

    def _risk(self) -> Handler:
        store = RiskStore(self._ledger("risk"), opening_cash=Decimal(100_000))
        state = RiskState(store, LIMITS, WallClock())
        decider = Decider(state, ledger_delay_s=lambda: self.delay_s)
        return RiskHandler(state, decider, symbols=SYMBOLS)

    def _execution(self) -> Handler:
        RiskStore(self._ledger("opening"), opening_cash=Decimal(100_000)).load()  # or chance says if it is known
        store = ExecutionStore(self._ledger("execution"))
        return ExecutionHandler(store, VenueSettings(), clock=WallClock(), faults=self.faults)

    def _answer(self, handler: Handler) -> Callable[[], list[Outgoing]]:
        if not isinstance(handler, RiskHandler):
            return list
        self.operators = Requests(handler.act)
        return self.operators.answer

    def _ledger(self, name: str) -> Ledger:
        ledger = Ledger(self.database.address, application=name, instrument=trace_statements)
        self._ledgers.append(ledger)
        return ledger

    def _bus(self, group: str) -> RedisBus:
        client: redis.Redis = self.client if group == "test" else self.servers.redis()
        return RedisBus(client, group=group, consumer=group, clock=WallClock())


@contextmanager
def service_threads(servers: Servers, database: Database) -> Iterator[ServiceThreads]:
    """Yield the services, not started yet, and end what was started."""
    made = ServiceThreads(servers, database)
    try:
        yield made
    finally:
        made.close()


def _ending_quietly(run: Callable[[], None]) -> Callable[[], None]:
    def target() -> None:
        with suppress(SystemExit):
            run()

    return target
