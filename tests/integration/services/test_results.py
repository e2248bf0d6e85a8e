"""What cdb_execution shows of the account's results is the ledger's, however often it is restarted."""

from decimal import Decimal

import pytest

from services.execution import results
from services.execution.results import Results
from services.ledger.results import closed_trades
from tests.support.servers import Database
from tests.support.trading import TradingDay, trade_a_day

pytestmark = pytest.mark.integration

ZERO = Decimal(0)


def test_results_are_sums_over_the_fills_of_the_ledger(database: Database) -> None:
    trade_a_day(TradingDay(database))
    ledger, found = database.ledger(), Results()
    assert found.follow(ledger)
    by_symbol = database.query("SELECT symbol, coalesce(sum(realised_pnl), 0) FROM fills GROUP BY 1")
    assert found.by_symbol == dict(by_symbol)
    ((fees, pnl),) = database.query("SELECT sum(fee), sum(realised_pnl) FROM fills")
    assert found.new_fees == fees
    assert found.by_strategy == {"momentum_v1": pnl}
    assert found.new_trades == closed_trades(ledger)
    assert found.trades["momentum_v1"].trades == len(found.new_trades) == 4


def test_following_a_ledger_gives_what_reading_it_once_gives(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A position that is sold in two parts is closed by the second one; three fills a call."""
    monkeypatch.setattr(results, "AT_ONCE", 3)
    ledger, following = database.ledger(), Results()
    day = TradingDay(database)
    for round_ in range(4):
        day.price("BTCUSDT", str(100 + round_))
        day.trade("BUY", "BTCUSDT")
        following.follow(ledger)
        day.price("BTCUSDT", str(101 - round_))
        day.trade("SELL", "BTCUSDT")
    while not following.follow(ledger):
        pass
    monkeypatch.undo()
    anew = Results()
    assert anew.follow(ledger)
    assert (following.by_symbol, following.by_strategy) == (anew.by_symbol, anew.by_strategy)
    assert following.new_trades == anew.new_trades
    assert following.new_fees == anew.new_fees > ZERO
    assert vars(following.trades["momentum_v1"]) == vars(anew.trades["momentum_v1"])


def test_what_was_taken_is_not_counted_again(database: Database) -> None:
    trade_a_day(TradingDay(database))
    ledger, found = database.ledger(), Results()
    found.follow(ledger)
    found.taken()
    found.follow(ledger)
    assert (found.new_fees, found.new_trades) == (ZERO, [])
