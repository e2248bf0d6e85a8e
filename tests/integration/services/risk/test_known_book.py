"""A decision on a book that cdb_risk knows already: the ledger refuses it if anything has changed since."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from services.risk.ledger_rows import Rows
from tests.integration.services.meanwhile import before_write, beside
from tests.integration.services.risk.live_risk import holds
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

RECORDED = """
SELECT cash, fills_seen, reference_equity, breaker_active, exposure_before FROM decisions ORDER BY decision_seq DESC
"""
LEDGER = """
SELECT cash, (SELECT max(fill_seq) FROM fills), (SELECT equity FROM equity ORDER BY equity_seq DESC LIMIT 1),
    coalesce((SELECT active FROM breaker ORDER BY breaker_seq DESC LIMIT 1), false),
    (SELECT 100 * sum(quantity) FROM positions)
        + coalesce((SELECT 100 * sum(quantity) FROM orders WHERE state = 'placed'), 0)
FROM account
"""
"""The same as the ledger has it, where every price is 100."""


def has_traded(database: Database) -> TradingDay:
    """A day on which risk knows the book: it holds something, and no order is in flight."""
    day = TradingDay(database)
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        day.price(symbol, "100")
    day.trade("BUY", "BTCUSDT")
    return day


CHANGES: dict[str, Callable[[TradingDay], object]] = {
    "cash": lambda day: beside(day).store.adjust(Decimal(-900), reason="test", now_ns=day.now_ns),
    "a fill": lambda day: beside(day).trade("BUY", "ETHUSDT"),
    "an order in flight": lambda day: beside(day).signal("BUY", "ETHUSDT"),
    "the breaker": lambda day: beside(day).act("trip_breaker"),
    "the reference": lambda day: beside(day).store.reset_breaker("test", equity=Decimal(99_000), now_ns=day.now_ns - 1),
}


def test_the_ledger_is_not_read_while_nothing_can_have_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = has_traded(database)
    with monkeypatch.context() as patch:
        patch.setattr(day.store, "load", lambda *_args, **_more: pytest.fail("the ledger was read"))
        day.signal("BUY", "ETHUSDT")
    assert database.query("SELECT count(*) FROM decisions") == [(2,)]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_meanwhile_is_in_the_decision(
    database: Database, monkeypatch: pytest.MonkeyPatch, change: Callable[[TradingDay], object]
) -> None:
    day = has_traded(database)
    changed = before_write(monkeypatch, day.store, "write_decisions", lambda: (change(day), database.query(LEDGER)))
    day.signal("BUY", "SOLUSDT")
    ((_, ledger),) = changed
    assert database.query(RECORDED)[:1] == ledger
    assert holds(database)


def test_a_signal_that_was_decided_meanwhile_is_not_decided_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = has_traded(database)
    seen = list[Rows]()
    write = day.store.write_decisions

    def write_twice(rows: Rows, **more: Any) -> bool:
        seen.append(rows)
        if len(seen) == 1:
            assert beside(day).store.write_decisions(rows)
        return write(rows, **more)

    monkeypatch.setattr(day.store, "write_decisions", write_twice)
    day.signal("BUY", "SOLUSDT")
    assert database.query("SELECT count(*) FROM decisions") == [(2,)]
    assert not day.waiting
    assert holds(database)
