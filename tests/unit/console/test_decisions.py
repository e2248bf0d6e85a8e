"""What is asked of the page Decisions, and what it makes of one decision's row."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cdb.trace.model import Trace
from console.decisions.asked import Asked
from console.decisions.basis import Decision, Signal
from console.decisions.layers import NOT_ASKED, OBJECTED, PASSED, layers_of
from console.decisions.trace_of import timed, why_missing
from console.numbered import first_since
from tests.support.clocks import SettableClock
from tests.support.consoles import client_of, ground_of
from tests.unit.cdb.trace.building import WHOLE, span

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A console without any server."""
    return client_of(ground_of(tmp_path, SettableClock()))


def a_signal(side: str = "BUY") -> Signal:
    made = NOON + timedelta(milliseconds=1)
    return Signal("s", "BTCUSDT", side, "momentum_v1", Decimal("0.5"), Decimal(100), Decimal(0), 1, NOON, made)


def a_decision(**changed: Any) -> Decision:
    limits = {"max_daily_drawdown": "0.05", "max_exposure": "0.50", "max_position": "0.10"}
    made = Decision(
        decision_seq=1, verdict="approved", layer=None, reason=None, quantity=Decimal(80), fills_seen=0,
        decided_at=NOON + timedelta(milliseconds=4), cash=Decimal(100_000), equity=Decimal(98_000),
        reference_equity=Decimal(100_000), exposure_before=Decimal(40_000), exposure_after=Decimal(48_000),
        position_after=Decimal(8_000), breaker_active=False, marks={"BTCUSDT": "100"}, limits=limits,
    )  # fmt: skip
    return made._replace(**changed)


def answers(side: str = "BUY", **changed: Any) -> list[str]:
    return [layer.answer for layer in layers_of(a_signal(side), a_decision(**changed))]


def test_an_approved_purchase_passed_every_layer_and_each_shows_what_it_found_beside_its_limit() -> None:
    layers = layers_of(a_signal(), a_decision())
    assert [layer.answer for layer in layers] == [PASSED] * 6
    assert [(layer.found, layer.limit) for layer in layers] == [
        ("4.00 ms", ""),
        ("inactive", ""),
        ("2.00 %", "5.00 %"),
        ("48.98 % with this order", "50.00 %"),
        ("8.16 % with this order", "10.00 %"),
        ("", ""),
    ]


def test_the_layers_after_the_one_that_objected_were_not_asked() -> None:
    rejected: dict[str, Any] = {"verdict": "rejected", "layer": 4, "reason": "EXPOSURE_LIMIT", "quantity": None}
    assert answers(**rejected) == [PASSED, PASSED, PASSED, OBJECTED, NOT_ASKED, NOT_ASKED]
    layer = layers_of(a_signal(), a_decision(**rejected))[3]
    assert layer.found == "48.98 % without this order"
    sized = {"max_exposure": "0.50", "order_size": "0.085"}
    layer = layers_of(a_signal(), a_decision(verdict="rejected", layer=4, quantity=None, limits=sized))[3]
    assert layer.found == "48.98 % without this order, which is up to 8.50 %"


def test_of_a_sale_only_the_age_is_asked() -> None:
    assert answers("SELL") == [PASSED, *[NOT_ASKED] * 5]


def test_limits_that_are_no_numbers_and_an_account_without_worth_are_shown_as_such() -> None:
    layers = layers_of(a_signal(), a_decision(limits={"max_exposure": "<b>"}, equity=Decimal(0)))
    assert (layers[3].found, layers[3].limit) == ("of nothing with this order", "")


@pytest.mark.parametrize(
    ("seconds", "first"), [(0, 0), (1, 0), (1.5, 3), (3, 3), (3.5, 4), (7, 7), (8, 9), (9, 9), (99, 10)]
)
def test_the_first_row_since_a_moment_is_found_though_numbers_are_missing(seconds: float, first: int) -> None:
    """Row n is of second n; 2, 5, 6 and 8 are not there. Any number with no row before it will do."""
    there = (1, 3, 4, 7, 9)
    asked = 0

    def after(number: int) -> tuple[int, datetime] | None:
        nonlocal asked
        asked += 1
        return next(((n, NOON + timedelta(seconds=n)) for n in there if n >= number), None)

    found = first_since(after, 9, NOON + timedelta(seconds=seconds))
    assert [n for n in there if n >= found] == [n for n in there if n >= first]
    assert asked <= 4


def test_what_was_asked_is_in_the_addresses_of_other_pages() -> None:
    asked = Asked(symbol="BTCUSDT", begin="2h", before=7)
    assert asked.parameters() == {"symbol": "BTCUSDT", "from": "2h", "before": 7}
    assert asked.parameters(before=3) == {"symbol": "BTCUSDT", "from": "2h", "before": 3}
    assert asked.parameters(before=None) == {"symbol": "BTCUSDT", "from": "2h"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("verdict=maybe", "verdict must be one of approved, rejected; got &#39;maybe&#39;"),
        ("cause=chance", "cause must be one of signal, stop_loss, operator"),
        ("reason=BAD_MOOD", "reason must be one of STALE_MARKET_DATA, "),
        ("slower=soon", "slower: &#39;soon&#39; is not a length of time"),
        ("before=0", "before must be a whole number from 1 to"),
        ("before=x", "before must be a whole number from 1 to"),
        ("from=yesterday", "from must be a time such as 2026-11-23T10:00:00Z, or how long ago, such as 2h"),
        ("from=2026-11-23T10:00:00", "from must be a time"),
        ("until=99999-01-01T00:00:00Z", "until must be a time"),
        (f"symbol={'X' * 41}", "symbol must be up to 40 printable ASCII characters"),
        ("strategy=%00", "strategy must be up to 40 printable ASCII characters"),
        ("strategy=%C3%A4", "strategy must be up to 40 printable ASCII characters"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(client: FlaskClient, asked: str, said: str) -> None:
    reply = client.get(f"/decisions?{asked}")
    assert reply.status_code == 400
    assert said in reply.get_data(as_text=True)


def test_filters_that_a_form_left_empty_are_none(client: FlaskClient) -> None:
    empty = "cause=signal&symbol=&strategy=&verdict=&reason=&slower=&from=&until=+"
    assert client.get(f"/decisions?{empty}").status_code == 200


def test_with_the_ledger_away_the_pages_stand_and_name_it(client: FlaskClient) -> None:
    for page in ("/decisions", "/decisions/BTCUSDT:momentum_v1:1"):
        reply = client.get(page)
        assert reply.status_code == 200
        assert "PostgreSQL: " in reply.get_data(as_text=True)


@pytest.mark.parametrize("name", ["%00", "%C3%A4", "x" * 201, "a%0Ab"])
def test_what_can_be_no_id_is_not_found_without_asking_the_ledger(client: FlaskClient, name: str) -> None:
    assert client.get(f"/decisions/{name}").status_code == 404


def test_a_decision_of_its_trace_is_timed_layer_by_layer_and_step_by_step() -> None:
    found = timed(WHOLE, {"cdb.symbol": "BTCUSDT"})
    assert (found.kept, found.took_us, found.layers) == ("slow", 303_000, {1: 10})
    assert found.steps == (("risk.read_state", 300_000), ("risk.write", 2_500))


def test_in_a_trace_of_several_decisions_the_right_one_is_timed() -> None:
    two = Trace("t", (span("risk.decide", 0, 5, a="x"), span("b", 0, 9)))
    assert timed(two, {"a": "y"}).took_us is None


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=3), "appear after about 15 s"),
        (timedelta(minutes=3), "was not kept"),
        (timedelta(days=2), "no longer stored"),
    ],
)
def test_why_there_is_no_trace_depends_on_how_long_ago_it_was(age: timedelta, said: str) -> None:
    assert said in why_missing(age)
