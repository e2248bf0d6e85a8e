"""The account remembers which sources of trades it was opened and has traded on."""

import pytest

from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration


def sources(database: Database) -> list[str]:
    ((found,),) = database.query("SELECT sources FROM account")
    return list(found)


def on(source: str, database: Database, *, like: TradingDay | None = None) -> TradingDay:
    """Start the bot on *source*, after the day *like*."""
    day = TradingDay(database, source=source)
    if like:
        day.now_ns, day.number = like.now_ns, like.number
    day.price("BTCUSDT", "100")
    return day


def test_the_account_is_of_the_source_that_it_was_opened_on(database: Database) -> None:
    on("mexc", database).close()
    assert sources(database) == ["mexc"]


def test_another_source_counts_from_its_first_order(database: Database) -> None:
    """So a start with the wrong source that is noticed at once does no harm."""
    first = on("mexc", database)
    first.trade("BUY", "BTCUSDT")
    first.close()
    again = on("simulated", database, like=first)
    assert sources(database) == ["mexc"]
    again.trade("SELL", "BTCUSDT")
    again.trade("BUY", "BTCUSDT")
    assert sources(database) == ["mexc", "simulated"]


def test_a_stop_loss_and_an_operators_sale_are_orders_too(database: Database) -> None:
    first = on("mexc", database)
    first.price("ETHUSDT", "10")
    first.trade("BUY", "BTCUSDT", "ETHUSDT")
    first.close()
    second = on("simulated", database, like=first)
    second.price("BTCUSDT", "90")
    assert sources(database) == ["mexc", "simulated"]
    second.close()
    third = on("binance", database, like=second)
    third.price("ETHUSDT", "10")
    third.act("flatten", "ETHUSDT")
    assert sources(database) == ["mexc", "simulated", "binance"]


def test_an_account_from_before_is_of_the_source_of_the_next_start(database: Database) -> None:
    first = on("mexc", database)
    first.close()
    database.query("UPDATE account SET sources = NULL")
    on("binance", database, like=first).close()
    assert sources(database) == ["binance"]
