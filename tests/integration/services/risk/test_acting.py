"""What cdb_risk does for operators, on a real ledger: once under each id, and only what is possible."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pytest

from services.actions import Refused
from services.ledger.actions import newest_actions
from services.messages import MAX_NOTIONAL, Order
from services.risk.limits import Limits
from services.topology import ORDERS
from tests.integration.services.risk.live_risk import SetClock, breaker, held, holds, last_verdict, live, start
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

TABLES: Final = ("operator_actions", "orders", "fills", "breaker", "equity")


@pytest.fixture
def day(database: Database) -> Iterator[TradingDay]:
    """Give a day on which BTCUSDT was bought by two strategies, and ETHUSDT by one."""
    day = live(database, Limits(order_size=Decimal("0.04")))
    day.price("BTCUSDT", "100")
    day.price("ETHUSDT", "10")
    day.trade("BUY", "BTCUSDT", "ETHUSDT")
    day.trade("BUY", "BTCUSDT", strategy="mean_reversion_v1")
    yield day
    day.close()


def orders(day: TradingDay) -> list[Order]:
    """What waits to be executed."""
    return [item.message for item in day.waiting if isinstance(item.message, Order)]


def rows(database: Database) -> dict[str, int]:
    return {table: database.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}  # noqa: S608  our names


def test_all_positions_of_all_strategies_are_closed_at_their_prices(database: Database, day: TradingDay) -> None:
    day.price("ETHUSDT", "11")
    answer = day.act("flatten")
    assert {(order.cause, order.side) for order in orders(day)} == {("operator", "SELL")}
    assert sorted((order.symbol, order.reference_price) for order in orders(day)) == [
        ("BTCUSDT", Decimal(100)),
        ("BTCUSDT", Decimal(100)),
        ("ETHUSDT", Decimal(11)),
    ]
    day.execute()
    assert held(database) == {}
    expected = sum(Decimal(one["quantity"]) * Decimal(one["price"]) for one in answer.details["positions"])
    assert Decimal(answer.details["notional"]) == round(expected, 8)
    assert holds(database)


def test_one_symbol_is_closed_and_others_are_kept(database: Database, day: TradingDay) -> None:
    day.act("flatten", "BTCUSDT")
    day.execute()
    assert set(held(database)) == {"ETHUSDT"}
    assert holds(database)


def test_an_action_is_a_row_with_who_what_why_and_figures(database: Database, day: TradingDay) -> None:
    answer = day.act("flatten", "ETHUSDT", action_id="mine")
    (found,) = newest_actions(database.ledger(), 5)
    assert found == (answer.action, answer.at, answer.details)
    assert (found.action.who, found.action.via, found.action.why) == ("olga", "command", "a test")
    assert database.query("SELECT action_id FROM orders WHERE cause = 'operator'") == [("mine",)]


@pytest.mark.parametrize("what", ["flatten", "trip_breaker", "reset_breaker"])
def test_what_is_asked_again_under_its_id_has_one_effect(database: Database, day: TradingDay, what: Any) -> None:
    if what == "reset_breaker":
        day.act("trip_breaker")
    first = day.act(what, action_id="mine")
    before, waiting = rows(database), len(day.waiting)
    again = day.act(what, action_id="mine")
    assert (again.repeated, again.at, again.details) == (True, first.at, first.details)
    assert (rows(database), len(day.waiting)) == (before, waiting)
    day.execute()
    start(day, SetClock(day))  # a new process knows it, too
    assert day.act(what, action_id="mine").repeated
    assert holds(database)


def test_an_id_that_is_another_actions_is_refused(database: Database, day: TradingDay) -> None:
    day.act("flatten", "ETHUSDT", action_id="mine")
    before = rows(database)
    for what, subject in (("flatten", "BTCUSDT"), ("trip_breaker", "")):
        with pytest.raises(Refused, match="another action has the id mine"):
            day.act(what, subject, action_id="mine")  # type: ignore[arg-type]
    assert rows(database) == before


@pytest.mark.parametrize(("what", "subject"), [("flatten", ""), ("flatten", "BTCUSDT"), ("trip_breaker", "")])
def test_a_preview_says_what_the_action_then_does_and_changes_nothing(
    database: Database, day: TradingDay, what: Any, subject: str
) -> None:
    before = rows(database)
    preview = day.act(what, subject, action_id="mine", preview=True)
    assert (preview.at, day.waiting, rows(database)) == (None, [], before)
    done = day.act(what, subject, action_id="mine")
    assert without_ages(done.details) == without_ages(preview.details)
    assert done.at is not None


def without_ages(details: dict[str, Any]) -> dict[str, Any]:
    positions = [{**one, "price_age_s": None} for one in details.get("positions", [])]
    return {**details, "positions": positions}


def test_what_is_being_sold_is_not_sold_twice(database: Database, day: TradingDay) -> None:
    day.signal("SELL", "ETHUSDT")
    answer = day.act("flatten")
    assert {one["symbol"]: one["order_id"] for one in answer.details["positions"]}["ETHUSDT"] is None
    assert len(orders(day)) == 3
    day.execute()
    assert held(database) == {}
    assert holds(database)


def test_of_a_position_that_no_order_can_sell_as_a_whole_each_action_sells_a_part(database: Database) -> None:
    """The price has risen so much that it is worth more than one order may be."""
    day = live(database, Limits(order_size=Decimal("0.04")))
    day.price("BTCUSDT", "0.0000001")
    day.trade("BUY", "BTCUSDT")
    whole = held(database)["BTCUSDT"]
    day.price("BTCUSDT", "1000000")
    day.act("flatten")
    assert orders(day)[0].quantity == MAX_NOTIONAL / 1_000_000 < whole
    day.execute()
    assert held(database)["BTCUSDT"] == whole - MAX_NOTIONAL / 1_000_000
    assert holds(database)


@pytest.mark.parametrize("subject", ["", "ETHUSDT", "SOLUSDT"])
def test_where_nothing_is_to_close_nothing_is_done(database: Database, day: TradingDay, subject: str) -> None:
    day.trade("SELL", "ETHUSDT", "BTCUSDT")
    day.signal("SELL", "BTCUSDT", strategy="mean_reversion_v1")
    before = rows(database)
    with pytest.raises(Refused, match="nothing to close"):
        day.act("flatten", subject)
    assert rows(database) == before


def test_a_position_whose_price_is_too_old_is_not_closed_at_it(database: Database, day: TradingDay) -> None:
    day.now_ns += 301 * 1_000_000_000
    day.price("BTCUSDT", "100")
    before = rows(database)
    with pytest.raises(Refused, match="ETHUSDT had no price in the last 300 s"):
        day.act("flatten")
    assert rows(database)["operator_actions"] == before["operator_actions"] == 0
    day.act("flatten", "BTCUSDT")
    assert len(orders(day)) == 2


def test_an_operators_trip_stops_purchases_and_no_sale(database: Database, day: TradingDay) -> None:
    answer = day.act("trip_breaker")
    assert breaker(database) == [(True, "operator")]
    assert (answer.details["breaker_active_before"], answer.details["breaker_active_after"]) == (False, True)
    day.price("SOLUSDT", "5")
    day.signal("BUY", "SOLUSDT")
    assert last_verdict(database) == ("rejected", "CIRCUIT_BREAKER_ACTIVE")
    day.trade("SELL", "BTCUSDT")
    assert last_verdict(database) == ("approved", None)
    day.act("flatten")
    day.execute()
    assert held(database) == {}
    assert holds(database)


def test_a_reset_measures_drawdown_from_the_equity_of_now(database: Database, day: TradingDay) -> None:
    day.act("trip_breaker")
    day.price("ETHUSDT", "9.9")
    details = day.act("reset_breaker").details
    assert Decimal(details["drawdown_before"]) > 0 == Decimal(details["drawdown_after"])
    reference = Decimal(details["reference_equity_after"])
    assert reference == Decimal(details["equity"]) < Decimal(details["reference_equity_before"])
    assert database.query("SELECT equity FROM equity WHERE cause = 'breaker_reset'") == [(reference,)]
    day.price("SOLUSDT", "5")
    day.signal("BUY", "SOLUSDT")
    assert last_verdict(database) == ("approved", None)
    assert holds(database)


def test_what_is_so_already_is_refused(database: Database, day: TradingDay) -> None:
    with pytest.raises(Refused, match="not active: there is nothing to reset"):
        day.act("reset_breaker")
    day.act("trip_breaker")
    with pytest.raises(Refused, match="already active: there is nothing to trip"):
        day.act("trip_breaker")
    assert rows(database)["operator_actions"] == 1


def test_equity_that_is_not_positive_is_no_reference(database: Database, day: TradingDay) -> None:
    day.act("flatten")
    day.execute()
    day.act("trip_breaker")
    ((cash,),) = database.query("SELECT cash FROM account")
    day.store.adjust(-cash, reason="test", now_ns=day.now_ns)
    with pytest.raises(Refused, match=r"equity is 0\.00"):
        day.act("reset_breaker")


def test_orders_that_the_bus_has_lost_are_sent_again(database: Database, day: TradingDay) -> None:
    day.act("flatten")
    day.waiting = []
    start(day, SetClock(day))
    day.waiting = [item for item in day.risk.housekeep() if item.stream == ORDERS]
    assert len(orders(day)) == 3
    day.execute()
    assert held(database) == {}
