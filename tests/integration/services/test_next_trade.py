"""On a live market an order is filled at the next trade of its symbol, and not before there is one."""

from decimal import Decimal

import msgspec
import pytest

from services.bus.entries import Outgoing
from services.bus.memory import MemoryBus, Streams
from services.clock import EventClock
from services.execution.handlers import ExecutionHandler
from services.execution.market import NextTrades
from services.execution.store import ExecutionStore
from services.execution.venue import VenueSettings
from services.messages import Fill, MarketData
from services.runtime.faults import Faults
from services.runtime.handling import Outcome
from services.topology import MARKET_DATA, ORDERS
from tests.support.servers import Database
from tests.support.trading import TradingDay

EXACT = VenueSettings(base_bps=Decimal(0), size_bps=Decimal(0), volatility_share=Decimal(0))
SECOND = 1_000_000_000


class Live:
    """An order of a day's trading, and a bus that it is filled from."""

    def __init__(self, database: Database) -> None:
        self.day = TradingDay(database)
        self.day.price("BTCUSDT", "100")
        self.day.signal("BUY", "BTCUSDT")
        self.order = self.day.waiting[0].message
        self.bus = MemoryBus(Streams(), group="cdb_execution", clock=EventClock())
        store = ExecutionStore(database.ledger("live"))
        self.execution = ExecutionHandler(
            store, EXACT, clock=EventClock(), faults=Faults(), market=NextTrades(self.bus)
        )

    def trade(self, price: str, *, after_s: float, symbol: str = "BTCUSDT", late: bool = False) -> None:
        """Let the market trade, so long after the order was made."""
        known = self.day.prices["BTCUSDT"]
        trade = msgspec.structs.replace(
            known,
            symbol=symbol,
            price=Decimal(price),
            ts_event=self.order.ts_init + int(after_s * SECOND),
            late=True if late else msgspec.UNSET,
        )
        assert isinstance(trade, MarketData)
        self.bus.publish([Outgoing(MARKET_DATA, trade)])

    def fill(self) -> tuple[Fill | None, Outcome]:
        outcome = self.execution.handle(self.day.batch([(ORDERS, self.order)]))
        fills = [one.message for one in outcome.outgoing]
        assert len(fills) <= 1
        return (fills[0] if fills else None), outcome  # type: ignore[return-value]


@pytest.fixture
def live(database: Database) -> Live:
    return Live(database)


def test_it_waits_for_a_trade_of_its_symbol(live: Live) -> None:
    """Neither one from before the order counts, nor one of another symbol, nor one that came too late."""
    live.trade("101", after_s=-0.1)
    live.trade("102", after_s=1, symbol="ETHUSDT")
    live.trade("103", after_s=1, late=True)
    fill, outcome = live.fill()
    assert fill is None
    assert [item.message for item in outcome.deferred] == [live.order]
    live.trade("104", after_s=2)
    fill, outcome = live.fill()
    assert fill is not None
    assert (fill.price, outcome.deferred) == (Decimal(104), [])


def test_the_first_trade_counts_and_slippage_is_against_the_price_that_was_decided_on(live: Live) -> None:
    live.trade("99", after_s=0.5)
    live.trade("98", after_s=1)
    fill, _ = live.fill()
    assert fill is not None
    assert (fill.price, fill.slippage_bps) == (Decimal(99), Decimal("-100.00"))


def test_a_fill_that_is_there_is_sent_again_at_once(live: Live) -> None:
    live.trade("99", after_s=0.5)
    first, _ = live.fill()
    live.trade("50", after_s=0.6)
    assert live.fill()[0] == first
