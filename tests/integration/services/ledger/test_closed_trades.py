"""Closed trades of a ledger that the real services wrote."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest

from cdb.performance.rows import fills_of
from services.ledger.results import closed_trades
from services.risk.limits import Limits
from tests.support.servers import Database, Servers
from tests.support.trading import TradingDay, trade_a_day

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def traded(servers: Servers) -> Iterator[Database]:
    """Give a ledger with a gain, a loss, a stop loss, positions that are open, and one that was bought twice."""
    database = servers.make_database()
    day = TradingDay(database, Limits(order_size=Decimal("0.04")))
    trade_a_day(day)
    day.price("SOLUSDT", "151")
    day.trade("BUY", "SOLUSDT")
    day.price("SOLUSDT", "152")
    day.trade("SELL", "SOLUSDT")
    day.close()
    yield database
    servers.drop_database(database)


def test_a_closed_trade_is_what_its_fills_add_up_to(traded: Database) -> None:
    with closing(traded.ledger("test")) as ledger:
        fills, trades = fills_of(ledger), closed_trades(ledger)
    bought_twice = 0
    for trade in trades:
        lasted = (trade.opened_at, trade.closed_at)
        mine = [fill for fill in fills if fill.symbol == trade.symbol and lasted[0] <= fill.filled_at <= lasted[1]]
        *buys, sale = mine
        assert {fill.side for fill in buys} == {"BUY"}
        assert (sale.side, sale.cause, sale.realised_pnl) == ("SELL", trade.cause, trade.result)
        assert (buys[0].filled_at, sale.filled_at) == lasted
        assert sum(fill.quantity for fill in buys) == sale.quantity == trade.quantity
        assert sum(fill.fee for fill in mine) == trade.fees
        assert trade.strategy == "momentum_v1"
        assert trade.exit == pytest.approx(sale.price)
        assert trade.entry == pytest.approx(sum(fill.price * fill.quantity for fill in buys) / trade.quantity)
        assert trade.cost == pytest.approx(sum(fill.price * fill.quantity + fill.fee for fill in buys))
        bought_twice += len(buys) == 2
    assert bought_twice


def test_trades_come_in_the_order_of_their_closing_and_open_positions_are_none(traded: Database) -> None:
    with closing(traded.ledger("test")) as ledger:
        trades = closed_trades(ledger)
        held = {one for (one,) in ledger.execute("SELECT position_id FROM positions WHERE quantity > 0")}
    closed_at = [trade.closed_at for trade in trades]
    assert closed_at == sorted(closed_at)
    assert [trade.cause for trade in trades].count("stop_loss") == 1
    assert held
    assert held.isdisjoint(trade.position_id for trade in trades)
