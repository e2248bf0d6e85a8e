"""Overview on a real ledger: the account as cdb_risk and `cdb positions` have it."""

import time
from contextlib import closing
from decimal import Decimal

import pytest
from psycopg2 import sql

from console.account.standing import Standing, standing
from console.ground import Ground
from console.pages.overview import account_now
from services.clock import MINUTE_NS
from services.risk.limits import Limits
from tests.integration.console.conftest import GroundOf
from tests.support.clocks import SettableClock
from tests.support.consoles import client_of
from tests.support.servers import Database
from tests.support.trading import OPENING_CASH, TradingDay

pytestmark = pytest.mark.integration


@pytest.fixture
def day(database: Database) -> TradingDay:
    """Begins now, as the pages ask about the last minutes."""
    made = TradingDay(database, now_ns=time.time_ns() - MINUTE_NS)
    for symbol, price in (("BTCUSDT", "65000"), ("ETHUSDT", "3000"), ("SOLUSDT", "150")):
        made.price(symbol, price)
    return made


def seen(ground: Ground, limits: Limits | None = None) -> Standing:
    with ground.ledger.moment() as rows:
        return standing(rows, limits or Limits())


def page(ground: Ground) -> str:
    answer = client_of(ground).get("/")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_account_is_valued_as_cdb_risk_values_it(day: TradingDay, ground_on: GroundOf) -> None:
    day.trade("BUY", "BTCUSDT", "ETHUSDT")
    day.price("BTCUSDT", "64000")
    day.signal("BUY", "SOLUSDT")  # stays in flight
    day.risk.close()
    book = day.store.load().book
    portfolio = type(seen(ground_on(day.database)).portfolio)(book, day.store.load_marks())
    found = seen(ground_on(day.database))
    assert found.equity == found.portfolio.equity() == portfolio.equity()
    assert found.portfolio.exposure() == portfolio.exposure() > found.holding.value
    assert found.portfolio.drawdown() == portfolio.drawdown() > 0
    assert found.exposure_share == portfolio.exposure() / portfolio.equity()
    assert len(found.portfolio.in_flight) == 1
    assert found.since_start.amount == portfolio.equity() - OPENING_CASH
    assert found.since_day_open is not None
    assert found.since_day_open.amount == portfolio.equity() - OPENING_CASH
    assert found.since_reset is None
    day.close()


def test_results_are_also_measured_from_the_reset(day: TradingDay, ground_on: GroundOf) -> None:
    day.trade("BUY", "BTCUSDT")
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.trade("BUY", "ETHUSDT")  # DRAWDOWN_LIMIT, and the breaker trips
    tripped = seen(ground_on(day.database))
    assert tripped.breaker is not None
    assert (tripped.breaker.active, tripped.breaker.cause) == (True, "decision")
    assert tripped.portfolio.breaker_active
    shown = page(ground_on(day.database))
    assert "Active: purchases are stopped" in shown
    assert '<a href="/act/reset">' in shown
    day.act("reset_breaker")
    day.price("BTCUSDT", "66000")
    day.close()
    found = seen(ground_on(day.database))
    assert found.breaker is not None
    assert not found.breaker.active
    assert found.reference is not None
    assert found.since_reset is not None
    assert found.since_reset.amount == found.equity - found.reference.equity > 0
    assert found.since_day_open is not None
    assert found.since_day_open.amount < 0
    assert "reset breaker" in page(ground_on(day.database))


def test_decisions_of_the_last_15_minutes_are_counted_by_reason(database: Database, ground_on: GroundOf) -> None:
    old = TradingDay(database, now_ns=time.time_ns() - 20 * MINUTE_NS)
    old.price("BTCUSDT", "65000")
    old.trade("SELL", "BTCUSDT")  # NO_POSITION, too long ago
    old.now_ns += 19 * MINUTE_NS
    old.trade("BUY", "BTCUSDT")
    old.trade("BUY", "BTCUSDT")  # POSITION_SIZE_EXCEEDED
    old.trade("SELL", "BTCUSDT")
    old.close()
    assert seen(ground_on(database)).verdicts == {"": 2, "POSITION_SIZE_EXCEEDED": 1}


def test_positions_have_price_age_result_and_stop_loss(day: TradingDay, ground_on: GroundOf) -> None:
    day.trade("BUY", "BTCUSDT")
    day.price("BTCUSDT", "66000")
    day.close()
    found = seen(ground_on(day.database), Limits(stop_loss=Decimal("0.5")))
    (one,) = found.holding.positions
    assert one.held.price == 66000
    assert one.price_age_s is not None
    assert 0 < one.price_age_s < 120
    assert one.stop == one.entry / 2
    shown = page(ground_on(day.database))
    for written in ("BTCUSDT", "66,000.00", f"{one.held.unrealised:+,.2f}", f"{one.held.cost:,.2f}"):
        assert written in shown


def test_a_position_without_a_price_is_counted_at_cost_and_named(day: TradingDay, ground_on: GroundOf) -> None:
    day.trade("BUY", "BTCUSDT")
    day.close()
    day.database.query("DELETE FROM marks")
    found = seen(ground_on(day.database))
    assert found.without_price == ["BTCUSDT"]
    assert "Without a price and counted at cost: BTCUSDT" in page(ground_on(day.database))


def test_the_last_fills_lead_to_their_decisions(day: TradingDay, ground_on: GroundOf) -> None:
    day.trade("BUY", "BTCUSDT")
    day.price("BTCUSDT", "60000")  # its stop loss
    day.execute()
    day.close()
    sale, purchase = seen(ground_on(day.database)).fills
    assert (sale.cause, sale.signal_id, sale.side) == ("stop_loss", None, "SELL")
    assert purchase.signal_id is not None
    shown = page(ground_on(day.database))
    assert f'href="/decisions/{purchase.signal_id.replace(":", "%3A")}"' in shown
    assert "stop loss</td>" in shown


def test_a_ledger_without_an_account_is_told(database: Database, ground_on: GroundOf) -> None:
    shown = page(ground_on(database))
    assert "the ledger has no account yet" in shown
    assert "Nothing is known yet." in shown


def test_names_from_the_ledger_are_text_on_the_page(day: TradingDay, ground_on: GroundOf) -> None:
    day.trade("BUY", "BTCUSDT")
    day.close()
    hostile = "<script>alert(1)</script>"
    day.database.query("DELETE FROM marks WHERE symbol <> 'BTCUSDT'")
    for table in ("positions", "marks", "fills"):
        day.database.query(f"UPDATE {table} SET symbol = %s", (hostile,))  # noqa: S608  names of this test
    day.database.query("UPDATE orders SET strategy = %s", (hostile,))
    day.database.query("UPDATE positions SET strategy = %s", (hostile,))
    shown = page(ground_on(day.database))
    assert "<script>alert" not in shown
    assert shown.count("&lt;script&gt;") >= 4


def test_the_account_is_kept_with_its_age_while_the_ledger_is_away(
    day: TradingDay, ground_on: GroundOf, clock: SettableClock
) -> None:
    day.trade("BUY", "BTCUSDT")
    day.close()
    ground = ground_on(day.database)
    equity = account_now(ground).value
    assert equity is not None
    _put_away(day.database)
    clock.now += MINUTE_NS
    shown = page(ground)
    assert "PostgreSQL: " in shown
    assert "What you see is" in shown
    assert f"{equity.equity:,.2f}" in shown


def _put_away(database: Database) -> None:
    """End the reader's sessions, and let none begin."""
    with closing(database.servers.connect("postgres")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(database.name)))
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database.name,))
