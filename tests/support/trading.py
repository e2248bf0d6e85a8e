"""A trading day under a test's control: the real handlers of risk and execution and a real ledger, without a bus."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.actions import What
from services.bus.entries import Entry, Outgoing
from services.clock import NANOSECONDS, EventClock
from services.execution.handlers import ExecutionHandler
from services.execution.store import ExecutionStore
from services.execution.venue import VenueSettings
from services.messages import MarketData, Message, Side, Signal, signal_id
from services.risk.acting import Answer, Asked
from services.risk.decider import Decider
from services.risk.handlers import RiskHandler
from services.risk.limits import Limits
from services.risk.state import RiskState
from services.risk.store import RiskStore
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Received
from services.topology import FILLS, MARKET_DATA, ORDERS, SIGNALS
from tests.support.building import an_action
from tests.support.servers import Database

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOTUSDT", "LTCUSDT")
OPENING_CASH = Decimal(100_000)
DEFAULT_LIMITS = Limits()
STEP_NS = NANOSECONDS // 10
_NOON_NS = 1_795_176_000 * NANOSECONDS  # 2026-11-20 12:00 UTC


@dataclass
class TradingDay:
    """Takes prices and signals, a tenth of a second apart. Orders wait until execute() is called."""

    database: Database
    limits: Limits = DEFAULT_LIMITS
    source: str = ""
    now_ns: int = _NOON_NS
    number: int = 0
    waiting: list[Outgoing] = field(default_factory=list)
    prices: dict[str, MarketData] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ledgers = [self.database.ledger(name) for name in ("risk", "execution")]
        self.store = RiskStore(self._ledgers[0], opening_cash=OPENING_CASH, source=self.source)
        state = RiskState(self.store, self.limits, EventClock())
        decider = Decider(state, ledger_delay_s=lambda: 0.0)
        self.risk = RiskHandler(state, decider, symbols=frozenset(SYMBOLS))
        self.execution_store = ExecutionStore(self._ledgers[1])
        self.execution = ExecutionHandler(self.execution_store, VenueSettings(), clock=EventClock(), faults=Faults())

    def price(self, symbol: str, price: str) -> None:
        """Give risk one trade of the market."""
        self._tick()
        trade = MarketData(
            ts_event=self.now_ns,
            ts_init=self.now_ns,
            symbol=symbol,
            trade_id=self.number,
            side="BUY",
            price=Decimal(price),
            quantity=Decimal(1),
            source="test",
            feed=1,
            sequence=self.number,
        )
        self.prices[symbol] = trade
        self._to_risk([(MARKET_DATA, trade)])

    def signal(self, side: Side, *symbols: str, strategy: str = "momentum_v1") -> None:
        """Give risk one signal of *strategy* for each of *symbols* at its last price, all in one batch."""
        for symbol in symbols:
            self.price(symbol, str(self.prices[symbol].price))
        self._to_risk([(SIGNALS, self._signal(side, self.prices[symbol], strategy)) for symbol in symbols])

    def execute(self) -> None:
        """Fill all waiting orders in one batch, and give risk the fills."""
        waiting, self.waiting = self.waiting, []
        outcome = self.execution.handle(self.batch([(ORDERS, item.message) for item in waiting]))
        self._to_risk([(FILLS, item.message) for item in outcome.outgoing])

    def trade(self, side: Side, *symbols: str, strategy: str = "momentum_v1") -> None:
        """Send signals of *strategy*, and fill the orders that are approved."""
        self.signal(side, *symbols, strategy=strategy)
        self.execute()

    def act(self, what: What, subject: str = "", *, action_id: str = "", preview: bool = False) -> Answer:
        """Do in risk what an operator asks, under an id of its own unless one is given."""
        self._tick()
        action = an_action(action_id=action_id or f"action-{self.number}", what=what, subject=subject)
        answer, outgoing = self.risk.act(Asked(action, preview))
        self.waiting += [item for item in outgoing if item.stream == ORDERS]
        return answer

    def close(self) -> None:
        """Write the newest prices into the ledger and disconnect."""
        self.risk.close()
        for ledger in self._ledgers:
            ledger.close()

    def _tick(self) -> None:
        self.now_ns += STEP_NS
        self.number += 1

    def _signal(self, side: Side, trade: MarketData, strategy: str) -> Signal:
        return Signal(
            ts_event=trade.ts_event,
            ts_init=trade.ts_event,
            signal_id=signal_id(trade.symbol, strategy, trade.trade_id),
            symbol=trade.symbol,
            side=side,
            strategy=strategy,
            strength=Decimal("0.5"),
            price=trade.price,
            volatility=Decimal("0.0002"),
            trade_id=trade.trade_id,
            stream_id=f"{trade.trade_id}-0",
        )

    def _to_risk(self, messages: Sequence[tuple[str, Message]]) -> None:
        self.waiting += [item for item in self.risk.handle(self.batch(messages)).outgoing if item.stream == ORDERS]

    def batch(self, messages: Sequence[tuple[str, Message]]) -> Batch:
        received = [
            Received(Entry(stream, f"{self.number}-{place}", b"", None), message)
            for place, (stream, message) in enumerate(messages)
        ]
        return Batch(received, caught_up=True)


def go_on(database: Database) -> TradingDay:
    """Continue the day of a ledger that was migrated."""
    ((now_ns, number),) = database.query("SELECT max(ts_event), max(trade_id) FROM marks")
    return TradingDay(database, now_ns=now_ns, number=number)


def trade_a_day(day: TradingDay) -> None:
    """Cause every kind of row that a ledger can hold; the last order stays in flight."""
    for symbol, price in zip(
        SYMBOLS, ("65000.5", "3000.25", "150.125", "0.52", "0.377102", "5.6489", "71"), strict=True
    ):
        day.price(symbol, price)
    day.trade("BUY", "BTCUSDT")
    day.trade("BUY", "ETHUSDT", "SOLUSDT")  # two decisions on one read of the ledger
    day.trade("BUY", "BTCUSDT")  # POSITION_SIZE_EXCEEDED
    day.price("BTCUSDT", "66000.75")
    day.trade("SELL", "BTCUSDT")  # a gain
    day.price("ETHUSDT", "2990")
    day.trade("SELL", "ETHUSDT")  # a loss
    day.trade("SELL", "ETHUSDT")  # NO_POSITION
    day.trade("BUY", "XRPUSDT")
    day.price("XRPUSDT", "0.5")  # its stop loss
    day.execute()
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.trade("BUY", "ADAUSDT")  # DRAWDOWN_LIMIT, and the breaker trips
    day.trade("BUY", "DOTUSDT")  # CIRCUIT_BREAKER_ACTIVE
    day.price("LTCUSDT", "71.5")
    day.act("reset_breaker")
    day.trade("BUY", "LTCUSDT")
    day.act("flatten", "LTCUSDT")
    day.execute()
    day.trade("BUY", "LTCUSDT")
    day.signal("BUY", "DOTUSDT")  # stays in flight
    day.signal("BUY", "DOTUSDT")  # POSITION_SIZE_EXCEEDED, because of it
