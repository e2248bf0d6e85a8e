"""A fill booked on an account that cdb_execution knows already: the ledger refuses it if anything has changed since."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from services.messages import Fill, Order
from services.topology import FILLS, ORDERS
from tests.integration.services.meanwhile import before_write, beside
from tests.integration.services.risk.live_risk import holds
from tests.support.servers import Database
from tests.support.spans import Spans, attributes
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

FILLED = "SELECT order_id FROM fills ORDER BY fill_seq"
ORDERED = "SELECT order_id FROM orders ORDER BY order_seq"


def has_ordered(database: Database) -> TradingDay:
    """A day on which execution knows the account, and one order waits for it."""
    day = TradingDay(database)
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        day.price(symbol, "100")
    day.trade("BUY", "BTCUSDT")
    day.signal("BUY", "ETHUSDT")
    return day


CHANGES: dict[str, Callable[[TradingDay, Order], object]] = {
    "cash": lambda day, _order: beside(day).store.adjust(Decimal(-900), reason="test", now_ns=day.now_ns),
    "another fill": lambda day, _order: beside(day).trade("BUY", "SOLUSDT"),
    "its own fill": lambda day, order: beside(day).execution.handle(day.batch([(ORDERS, order)])),
    "no such order": lambda day, order: beside(day).store.withdraw(order, "a test", now_ns=day.now_ns),
}


def test_the_account_is_not_read_while_nothing_can_have_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = has_ordered(database)
    with monkeypatch.context() as patch:
        patch.setattr(day.execution_store, "read", lambda *_args: pytest.fail("the ledger was read"))
        day.execute()
        day.trade("SELL", "BTCUSDT")
    assert len(database.query(FILLED)) == 3
    assert holds(database)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_meanwhile_is_in_what_is_booked(
    database: Database, monkeypatch: pytest.MonkeyPatch, change: Callable[[TradingDay, Order], object]
) -> None:
    """Each order has one final state, and the account is what all fills and adjustments make of it."""
    day = has_ordered(database)
    order = order_of(day)
    changed = before_write(monkeypatch, day.execution_store, "write", lambda: change(day, order))
    day.execute()
    assert changed
    assert database.query("SELECT count(*) FROM orders WHERE state = 'placed'") == [(0,)]
    day.trade("SELL", "BTCUSDT")
    assert holds(database)


FORGERIES: dict[str, dict[str, Any]] = {
    "quantity": {"quantity": Decimal(3)},
    "strategy": {"strategy": "another"},
    "symbol": {"symbol": "SOLUSDT"},
    "side": {"side": "SELL"},
    "price": {"reference_price": Decimal(1)},
    "cause": {"cause": "operator"},
    "volatility": {"volatility": Decimal("0.1")},
    "id": {"order_id": "order:nobody:1"},
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("place", ["alone", "first", "last"])
def test_an_order_that_is_not_the_ledgers_is_put_aside_and_the_true_one_filled(
    database: Database, forged: dict[str, Any], place: str
) -> None:
    day = has_ordered(database)
    true = order_of(day)
    false = replace(true, **forged)
    told = {"alone": [false], "first": [false, true], "last": [true, false]}[place]
    outcome = day.execution.handle(day.batch([(ORDERS, one) for one in told]))
    assert [letter.reason for letter in outcome.dead] == ["unknown_order" if "order_id" in forged else "contradiction"]
    assert len([item for item in outcome.outgoing if item.stream == FILLS]) == len(told) - 1
    assert len(database.query(FILLED)) == len(told)
    assert holds(database)


def test_an_order_of_an_older_version_is_filled_for_the_strategy_that_the_ledger_names(database: Database) -> None:
    day = has_ordered(database)
    day.execution.handle(day.batch([(ORDERS, replace(order_of(day), strategy=""))]))
    assert database.query(FILLED) == database.query(ORDERED)
    assert holds(database)


def test_a_fill_that_is_asked_for_again_is_the_one_that_the_order_has(database: Database) -> None:
    day = has_ordered(database)
    order = order_of(day)
    day.execute()
    (again,) = day.execution.handle(day.batch([(ORDERS, order)])).outgoing
    assert isinstance(again.message, Fill)
    assert [(again.message.order_id,)] == database.query(FILLED)[1:]


@pytest.mark.parametrize("known", [False, True], ids=["read", "known"])
def test_an_order_that_is_refused_before_anything_was_filled_is_recorded(
    database: Database, spans: Spans, *, known: bool
) -> None:
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.signal("BUY", "BTCUSDT")
    day.store.adjust(Decimal(-99_999), reason="test", now_ns=day.now_ns)
    if known:
        day.execution.housekeep()
    outcome = day.execution.handle(day.batch([(ORDERS, order_of(day))]))
    for record in outcome.afterwards:
        record()
    assert database.query("SELECT state FROM orders") == [("refused",)]
    assert [attributes(span)["cdb.outcome"] for span in spans.named("order.execute")] == ["refused"]


def order_of(day: TradingDay) -> Order:
    """The one that waits."""
    (item,) = day.waiting
    assert isinstance(item.message, Order)
    return item.message
