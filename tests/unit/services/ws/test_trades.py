"""Which trades are accepted."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.clock import MOST_AHEAD_NS, EventClock
from services.messages import MAX_TIME_NS
from services.ws.trades import MOST_BEHIND_NS, RawTrade, TradeCheck
from tests.support.building import NOW, SECOND, selective
from tests.support.clocks import SettableClock

TRADE = RawTrade("ETHUSDT", 5, "BUY", Decimal(100), Decimal(1), NOW, "line 2")


def judged(*trades: RawTrade) -> list[str | None]:
    check = TradeCheck({"ETHUSDT", "BTCUSDT"}, EventClock())
    refusals = [check.objection(trade) for trade in trades]
    return [refusal.reason if refusal else None for refusal in refusals]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ts_event": NOW + 1, "trade_id": 6}, None),
        ({"ts_event": NOW, "trade_id": 6}, None),
        ({"ts_event": NOW, "trade_id": 5}, "out_of_order"),
        ({"ts_event": NOW, "trade_id": 4}, "out_of_order"),
        ({"ts_event": NOW - 1, "trade_id": 6}, "out_of_order"),
        ({"symbol": "BTCUSDT", "ts_event": NOW - 1, "trade_id": 1}, None),
    ],
    ids=["later", "same instant", "twice", "lower id", "earlier", "another symbol"],
)
def test_trades_of_a_symbol_are_accepted_in_their_order_only(change: dict[str, Any], reason: str | None) -> None:
    assert judged(TRADE, replace(TRADE, **change)) == [None, reason]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price": Decimal(0)}, "not_positive"),
        ({"price": Decimal("-0.01")}, "not_positive"),
        ({"quantity": Decimal(0)}, "not_positive"),
        ({"quantity": Decimal(-1)}, "not_positive"),
        ({"price": Decimal("NaN")}, "not_a_number"),
        ({"price": Decimal("sNaN")}, "not_a_number"),
        ({"price": Decimal("-Infinity")}, "not_a_number"),
        ({"quantity": Decimal("Infinity")}, "not_a_number"),
        ({"symbol": "DOGEUSDT"}, "unknown_symbol"),
        ({"symbol": ""}, "unknown_symbol"),
        ({"price": Decimal("1e10")}, "malformed"),
        ({"price": Decimal("1e-19")}, "malformed"),
        ({"price": Decimal("1e9"), "quantity": Decimal("1e9")}, "malformed"),
        ({"ts_event": 0}, "malformed"),
        ({"ts_event": MAX_TIME_NS}, "malformed"),
        ({"trade_id": -1}, "malformed"),
        ({"trade_id": 2**63}, "malformed"),
    ],
)
def test_what_cannot_be_a_trade_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    assert judged(replace(TRADE, **change)) == [reason]


def test_refusal_names_where_and_what() -> None:
    refusal = TradeCheck({"BTCUSDT"}, EventClock()).objection(replace(TRADE, symbol="E" * 1000))
    assert refusal is not None
    assert refusal.origin == "line 2"
    assert "is not traded here" in refusal.detail
    assert len(refusal.detail) < 100


def test_refused_trade_is_not_what_the_next_one_is_measured_by() -> None:
    late = replace(TRADE, ts_event=NOW + 10, trade_id=9)
    assert judged(TRADE, replace(late, price=Decimal(-1)), replace(TRADE, trade_id=6)) == [None, "not_positive", None]


def test_live_trade_ahead_of_the_clock_makes_no_other_one_late() -> None:
    """As long as clocks may differ; and what is behind the clock itself is late as ever."""
    check = TradeCheck({"ETHUSDT", "BTCUSDT"}, SettableClock())
    ahead = replace(TRADE, ts_event=NOW + MOST_AHEAD_NS)
    others = [replace(TRADE, symbol="BTCUSDT", ts_event=NOW - MOST_BEHIND_NS + after) for after in (0, -1)]
    found = [check.objection(trade) for trade in (ahead, *others)]
    assert [refusal.reason if refusal else None for refusal in found] == [None, None, "out_of_order"]
    assert check.objection(replace(ahead, ts_event=NOW + MOST_AHEAD_NS + 1)) is not None


@selective
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), max_size=20))
def test_what_is_accepted_only_ever_rises(keys: list[tuple[int, int]]) -> None:
    check = TradeCheck({"ETHUSDT"}, EventClock())
    trades = [replace(TRADE, ts_event=ts_event, trade_id=trade_id) for ts_event, trade_id in keys]
    accepted = [(trade.ts_event, trade.trade_id) for trade in trades if check.objection(trade) is None]
    assume(len(accepted) < len(trades))
    assert accepted == sorted(set(accepted))


def test_symbols_that_are_admitted_later_are_accepted_from_then_on() -> None:
    check = TradeCheck({"BTCUSDT"}, EventClock())
    assert check.objection(TRADE) is not None
    assert check.admit({"ETHUSDT", "BTCUSDT"}) == {"ETHUSDT"}
    assert check.admit({"ETHUSDT"}) == set()
    assert check.objection(TRADE) is None
    assert check.symbols == {"BTCUSDT", "ETHUSDT"}


@pytest.mark.parametrize("by_s", [6, 60, 3600, 86_400, 40 * 365 * 86_400])
def test_after_the_clock_was_set_back_trades_are_accepted_at_once(by_s: int) -> None:
    """What was accepted before is dated by a clock that was ahead, and is no measure of what is late."""
    clock = SettableClock(NOW + by_s * SECOND)
    check = TradeCheck({"ETHUSDT", "BTCUSDT"}, clock)
    assert check.objection(replace(TRADE, ts_event=clock.now)) is None
    clock.now = NOW
    for symbol in ("ETHUSDT", "BTCUSDT"):
        assert check.objection(replace(TRADE, symbol=symbol, trade_id=6)) is None
        late = check.objection(replace(TRADE, symbol=symbol, trade_id=6))
        assert late is not None
        assert late.reason == "out_of_order", "the order holds from then on"


def test_order_holds_while_the_clock_is_set_back_by_no_more_than_clocks_may_differ() -> None:
    clock = SettableClock(NOW + MOST_AHEAD_NS)
    check = TradeCheck({"ETHUSDT"}, clock)
    assert check.objection(replace(TRADE, ts_event=clock.now)) is None
    clock.now = NOW
    refusal = check.objection(TRADE)
    assert refusal is not None
    assert refusal.reason == "out_of_order"
