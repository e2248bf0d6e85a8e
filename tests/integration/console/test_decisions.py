"""The pages of decisions, on a real ledger in which a day was traded."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any, Final
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from console.decisions.asked import Wanted
from console.decisions.basis import Basis, basis_of
from console.decisions.listing import Page, page_of
from services.ledger.connection import Ledger
from tests.integration.console.conftest import GroundOf
from tests.support.consoles import client_of
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

REASONS: Final = [
    "POSITION_SIZE_EXCEEDED", None, None, "CIRCUIT_BREAKER_ACTIVE", "DRAWDOWN_LIMIT", None, "NO_POSITION", None, None,
    "POSITION_SIZE_EXCEEDED", None, None, None,
]  # fmt: skip
"""Of the day's decisions, newest first; None is an approval."""


PRICES: Final = {
    "BTCUSDT": "65000",
    "ETHUSDT": "3000",
    "SOLUSDT": "150",
    "XRPUSDT": "0.52",
    "LTCUSDT": "71",
    "DOTUSDT": "5",
}


@pytest.fixture
def day(database: Database) -> Iterator[TradingDay]:
    """Thirteen decisions: their order is what these tests count on."""
    made = TradingDay(database)
    for symbol, price in PRICES.items():
        made.price(symbol, price)
    made.trade("BUY", "BTCUSDT")
    made.trade("BUY", "ETHUSDT", "SOLUSDT")
    made.trade("BUY", "BTCUSDT")  # POSITION_SIZE_EXCEEDED
    made.price("BTCUSDT", "66000")
    made.trade("SELL", "BTCUSDT")  # a gain
    made.trade("SELL", "ETHUSDT")
    made.trade("SELL", "ETHUSDT")  # NO_POSITION
    made.trade("BUY", "XRPUSDT")
    made.price("XRPUSDT", "0.5")  # its stop loss
    made.execute()
    made.store.adjust(Decimal(-6000), reason="test", now_ns=made.now_ns)
    made.trade("BUY", "DOTUSDT")  # DRAWDOWN_LIMIT
    made.trade("BUY", "DOTUSDT")  # CIRCUIT_BREAKER_ACTIVE
    made.act("reset_breaker")
    made.trade("BUY", "LTCUSDT")
    made.act("flatten", "LTCUSDT")
    made.execute()
    made.signal("BUY", "DOTUSDT")  # stays in flight
    made.signal("BUY", "DOTUSDT")  # POSITION_SIZE_EXCEEDED, because of it
    yield made
    made.close()


@pytest.fixture
def ledger(day: TradingDay) -> Iterator[Ledger]:
    opened = day.database.ledger()
    yield opened
    opened.close()


@pytest.fixture
def client(day: TradingDay, ground_on: GroundOf) -> FlaskClient:
    return client_of(ground_on(day.database))


def page(ledger: Ledger, *, on_page: int = 50, looked_at: int = 1_000, **wanted: Any) -> Page:
    return page_of(ledger, Wanted(**wanted), on_page=on_page, looked_at=looked_at)


def seqs(found: Page) -> list[int]:
    return [row.seq for row in found.rows]


def text(client: FlaskClient, path: str, status: int = 200) -> str:
    reply = client.get(path)
    assert reply.status_code == status, reply.get_data(as_text=True)
    return reply.get_data(as_text=True)


def links(shown: str) -> list[str]:
    """Decisions and orders that a page leads to."""
    return [unescape(found) for found in re.findall(r'href="(/decisions/[^"]+)"', shown)]


def basis(ledger: Ledger, name: str) -> Basis:
    found = basis_of(ledger, name)
    assert found is not None
    return found


def test_decisions_come_newest_first_each_with_its_order_and_its_result(ledger: Ledger) -> None:
    rows = page(ledger).rows
    assert [getattr(row, "reason", "") for row in rows] == REASONS
    assert [row.seq for row in rows] == list(range(13, 0, -1))
    sale = rows[8]
    assert (sale.symbol, sale.side, sale.state) == ("BTCUSDT", "SELL", "filled")
    assert sale.realised_pnl is not None
    assert sale.realised_pnl > 0
    assert rows[1].state == "placed"
    assert rows[0].state is None


def test_pages_follow_each_other_without_a_gap_or_a_repeat(ledger: Ledger) -> None:
    found, before = [], None
    for _ in range(3):
        part = page(ledger, on_page=5, before=before)
        found += seqs(part)
        before = part.older
    assert (found, before) == (list(range(13, 0, -1)), None)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"symbol": "BTCUSDT"}, [5, 4, 1]),
        ({"strategy": "momentum_v1", "verdict": "rejected"}, [13, 10, 9, 7, 4]),
        ({"verdict": "approved", "symbol": "ETHUSDT"}, [6, 2]),
        ({"reason": "NO_POSITION"}, [7]),
        ({"strategy": "mean_reversion_v1"}, []),
        ({"slower_ms": 99.9}, [2]),
        ({"slower_ms": 100.0}, []),
    ],
)
def test_a_filter_leaves_what_it_says(ledger: Ledger, wanted: dict[str, Any], found: list[int]) -> None:
    """Decision 2 waited a tenth of a second for the other signal of its batch; time stands still for the others."""
    assert seqs(page(ledger, **wanted)) == found


def test_a_stretch_of_time_has_the_decisions_in_it(ledger: Ledger) -> None:
    times = {row.seq: row.at for row in page(ledger).rows}
    assert seqs(page(ledger, begin=times[10])) == [13, 12, 11, 10]
    assert seqs(page(ledger, until=times[4])) == [3, 2, 1]
    assert seqs(page(ledger, begin=times[4], until=times[7])) == [6, 5, 4]
    assert seqs(page(ledger, begin=times[4], until=times[7], before=5)) == [4]
    assert seqs(page(ledger, begin=times[13] + timedelta(seconds=1))) == []


def test_one_page_looks_at_so_many_rows_and_says_how_far_it_came(ledger: Ledger) -> None:
    times = {row.seq: row.at for row in page(ledger).rows}
    first = page(ledger, symbol="ETHUSDT", looked_at=5)
    assert (seqs(first), first.older, first.looked_back_to) == ([], 9, times[9])
    second = page(ledger, symbol="ETHUSDT", looked_at=5, before=first.older)
    assert (seqs(second), second.older) == ([7, 6], 4)
    third = page(ledger, symbol="ETHUSDT", looked_at=5, before=second.older)
    assert (seqs(third), third.older) == ([2], None)


def test_stop_losses_are_found_by_their_cause(ledger: Ledger) -> None:
    (row,) = page(ledger, cause="stop_loss").rows
    assert (row.symbol, row.side, row.state) == ("XRPUSDT", "SELL", "filled")
    assert [row.symbol for row in page(ledger, cause="operator").rows] == ["LTCUSDT"]
    assert page(ledger, cause="stop_loss", symbol="BTCUSDT").rows == []
    assert page(ledger, cause="stop_loss", verdict="approved").rows == ()


def test_a_decision_is_followed_to_its_order_its_fill_and_the_closed_trade(ledger: Ledger) -> None:
    bought = next(row for row in page(ledger).rows if row.seq == 1)
    found = basis(ledger, bought.signal_id)  # type: ignore[union-attr]
    assert found.decision is not None
    assert found.order is not None
    assert found.fill is not None
    assert found.trade is not None
    assert (found.decision.quantity, found.order.state) == (found.fill.quantity, "filled")
    assert [(step.side, step.cause) for step in found.steps] == [("BUY", "signal"), ("SELL", "signal")]
    assert found.trade.result == sum(step.realised_pnl or 0 for step in found.steps)


def test_a_stop_loss_is_followed_to_the_decision_that_opened_its_position(ledger: Ledger) -> None:
    (order,) = page(ledger, cause="stop_loss").rows
    found = basis(ledger, order.order_id)  # type: ignore[union-attr]
    assert (found.signal, found.decision) == (None, None)
    assert [step.cause for step in found.steps] == ["signal", "stop_loss"]
    opened = found.steps[0].signal_id
    assert opened is not None
    assert basis(ledger, opened).trade == found.trade


def test_an_order_in_flight_has_no_fill_and_no_trade_yet(ledger: Ledger) -> None:
    placed = page(ledger).rows[1]
    found = basis(ledger, placed.signal_id)  # type: ignore[union-attr]
    assert found.order is not None
    assert (found.order.state, found.fill, found.steps, found.trade) == ("placed", None, (), None)


def test_what_the_ledger_does_not_have_is_not_found(ledger: Ledger, client: FlaskClient) -> None:
    assert basis_of(ledger, "BTCUSDT:momentum_v1:999999") is None
    assert "The ledger has no decision" in text(client, "/decisions/nothing", 404)


def test_every_decision_and_order_has_a_page_that_shows_what_it_was_based_on(client: FlaskClient) -> None:
    led_to = [*links(text(client, "/decisions")), *links(text(client, "/decisions?cause=stop_loss"))]
    led_to += links(text(client, "/decisions?cause=operator"))
    assert len(led_to) == 15
    for path in led_to:
        shown = text(client, path)
        assert unquote(path).removeprefix("/decisions/") in unescape(shown)
        for part in ("What each layer answered", "The account then", "Limits then", "Prices that it counted with"):
            assert (part in shown) == (not unquote(path).startswith(("/decisions/stop:", "/decisions/operator:")))
        assert "What became of it" in shown
        assert 'class="problem" role="status">Its trace cannot be looked for: Jaeger' in shown


def test_an_order_of_a_signal_leads_to_its_decision(client: FlaskClient) -> None:
    path = links(text(client, "/decisions"))[1]
    reply = client.get(path.replace("/decisions/", "/decisions/order:"))
    assert (reply.status_code, unquote(reply.location or "")) == (302, unquote(path))


def test_an_order_of_an_operator_says_who_asked_and_why(day: TradingDay, client: FlaskClient) -> None:
    day.database.query("UPDATE operator_actions SET why = 'going <b>home'")
    (path,) = links(text(client, "/decisions?cause=operator"))
    shown = text(client, path)
    for said in ("an order from the operator", "olga", "the command", "going &lt;b&gt;home", "The trade: closed"):
        assert said in shown


def test_texts_of_the_ledger_are_text_on_the_page(day: TradingDay, client: FlaskClient) -> None:
    hostile = "<script>alert(1)</script>"
    day.database.query("UPDATE signals SET strategy = %s, symbol = %s", (hostile, hostile))
    day.database.query("UPDATE decisions SET marks = jsonb_build_object(%s, '1'), limits = marks", (hostile,))
    day.database.query("UPDATE orders SET refusal = %s, state = 'refused', finished_at = placed_at", (hostile,))
    listed = text(client, "/decisions")
    shown = "".join(text(client, path) for path in links(listed))
    assert hostile not in listed + shown
    assert "&lt;script&gt;" in listed
    assert "refused because" in shown


def test_an_operator_order_is_not_asked_for_a_verdict(client: FlaskClient) -> None:
    assert "Leave these out" in text(client, "/decisions?cause=stop_loss&reason=NO_POSITION")
