"""A month of trading by two strategies in the same symbols, written by the real handlers."""

import random
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

import msgspec
import pytest

from services.clock import DAY_NS, MINUTE_NS, NANOSECONDS
from services.messages import Order
from services.risk.limits import Limits
from tests.support.servers import Database, Servers
from tests.support.trading import TradingDay

STRATEGIES = ("momentum_v1", "mean_reversion_v1")
OPENING_PRICES = {"BTCUSDT": 65_000.0, "ETHUSDT": 3_000.0, "XRPUSDT": 0.52}
BEGIN_NS = 1_792_497_600 * NANOSECONDS  # 2026-10-20 12:00 UTC
DAYS = 26


@pytest.fixture(scope="package")
def month(servers: Servers) -> Iterator[Database]:
    """Both strategies buy and sell; each has sold a part of something, and one holds that still."""
    database = servers.make_database()
    day = TradingDay(database, Limits(order_size=Decimal("0.02"), stop_loss=Decimal("0.03")), now_ns=BEGIN_NS)
    chance, prices = random.Random(15), dict(OPENING_PRICES)  # noqa: S311  a walk of prices
    for _ in range(DAYS):
        for _ in range(6):
            _move(day, prices, chance)
            symbol, strategy = chance.choice([*prices]), chance.choice(STRATEGIES)
            day.trade(chance.choice(["BUY", "BUY", "SELL"]), symbol, strategy=strategy)
            day.execute()  # stop losses
            day.now_ns += chance.randrange(1, 200) * MINUTE_NS
        day.now_ns = (day.now_ns // DAY_NS + 1) * DAY_NS + chance.randrange(1, 300) * MINUTE_NS
    for symbol, strategy in (("BTCUSDT", STRATEGIES[0]), ("ETHUSDT", STRATEGIES[1])):
        _move(day, prices, chance)
        day.trade("BUY", symbol, strategy=strategy)
        sell_half(day, symbol, strategy)
    day.trade("SELL", "BTCUSDT", strategy=STRATEGIES[0])
    day.close()
    yield database
    servers.drop_database(database)


def sell_half(day: TradingDay, symbol: str, strategy: str) -> None:
    """No strategy sells a part of its position, but the accounting would let it."""
    day.signal("SELL", symbol, strategy=strategy)
    (order,) = day.waiting
    assert isinstance(order.message, Order)
    half = (order.message.quantity / 2).quantize(Decimal("1e-8"), ROUND_DOWN)
    smaller = msgspec.structs.replace(order.message, quantity=half)
    day.waiting = [msgspec.structs.replace(order, message=smaller)]
    day.database.query("UPDATE orders SET quantity = %s WHERE state = 'placed'", (half,))
    day.execute()


def _move(day: TradingDay, prices: dict[str, float], chance: random.Random) -> None:
    for symbol, price in prices.items():
        prices[symbol] = price * (1 + chance.gauss(0, 0.012))
        day.price(symbol, f"{prices[symbol]:.6g}")
    day.execute()
