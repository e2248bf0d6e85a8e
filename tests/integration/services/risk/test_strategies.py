"""Two strategies in one symbol: each has a position of its own, limits count the sum."""

from decimal import Decimal
from typing import Final

import pytest

from services.risk.limits import Limits
from tests.integration.services.risk.live_risk import holds, last_verdict
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

ONE: Final = "momentum_v1"
OTHER: Final = "mean_reversion_v1"
SMALL: Final = Limits(order_size=Decimal("0.04"))
"""Two positions in a symbol stay below its limit of 10 %, a third is over it."""


def held(database: Database) -> dict[str, Decimal]:
    """What each strategy holds of BTCUSDT."""
    return dict(database.query("SELECT strategy, quantity FROM positions WHERE quantity > 0"))


@pytest.fixture
def both(database: Database) -> TradingDay:
    """Give a day on which both strategies have bought BTCUSDT: one at 100, the other at 101."""
    day = TradingDay(database, SMALL)
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT", strategy=ONE)
    day.price("BTCUSDT", "101")
    day.trade("BUY", "BTCUSDT", strategy=OTHER)
    assert set(held(database)) == {ONE, OTHER}
    return day


def test_a_sale_closes_the_position_of_its_own_strategy(database: Database, both: TradingDay) -> None:
    before = held(database)
    both.trade("SELL", "BTCUSDT", strategy=OTHER)
    assert held(database) == {ONE: before[ONE]}
    both.trade("SELL", "BTCUSDT", strategy=OTHER)
    assert last_verdict(database) == ("rejected", "NO_POSITION")
    assert held(database) == {ONE: before[ONE]}
    assert holds(database)


def test_both_positions_count_towards_the_symbols_limit(database: Database, both: TradingDay) -> None:
    both.trade("BUY", "BTCUSDT", strategy=ONE)
    assert last_verdict(database) == ("rejected", "POSITION_SIZE_EXCEEDED")


def test_a_stop_loss_closes_the_dearer_position_alone(database: Database, both: TradingDay) -> None:
    """2 % below 101 is 98.98, below 100 it is 98."""
    both.price("BTCUSDT", "98.9")
    both.execute()
    assert set(held(database)) == {ONE}
    both.price("BTCUSDT", "97.9")
    both.execute()
    assert held(database) == {}
    closed = database.query("SELECT strategy FROM orders WHERE cause = 'stop_loss' ORDER BY order_seq")
    assert closed == [(OTHER,), (ONE,)]
    assert holds(database)


def test_one_price_can_set_off_both_stop_losses(database: Database, both: TradingDay) -> None:
    both.price("BTCUSDT", "97")
    both.execute()
    assert held(database) == {}
    assert holds(database)
