"""Strategy momentum_v1: threshold 1 % within 5 s on 1,000 of notional, 4 s of cool-down."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import accumulate, islice, pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.core.strategies.momentum_v1 import Momentum, MomentumSettings
from services.core.strategies.port import Opinion
from services.messages import MarketData
from tests.support.building import NOW, SECOND, a_trade, selective

SETTINGS = MomentumSettings(lookback_s=5.0, threshold=Decimal("0.01"), minimum_volume=Decimal(1000), cooldown_s=4.0)
Tick = tuple[float, str]
"""Seconds since the start and price."""


def opinions(ticks: Iterable[Tick], **trade: Any) -> list[Opinion | None]:
    memory = Momentum(SETTINGS)
    return [
        memory.update(a_trade(ts_event=NOW + round(second * SECOND), price=Decimal(price), trade_id=number, **trade))
        for number, (second, price) in enumerate(ticks)
    ]


@pytest.mark.parametrize(("price", "side"), [("101", "BUY"), ("99", "SELL")])
def test_move_that_reaches_the_threshold_is_a_signal_in_its_direction(price: str, side: str) -> None:
    _, found = opinions([(0, "100"), (1, price)])
    assert found is not None
    assert (found.side, found.strength) == (side, Decimal("0.50"))


@pytest.mark.parametrize("price", ["100.9999", "99.0001", "100"])
def test_move_below_the_threshold_is_none(price: str) -> None:
    assert opinions([(0, "100"), (1, price)]) == [None, None]


@pytest.mark.parametrize(("price", "strength"), [("101.5", "0.75"), ("102", "1"), ("150", "1"), ("50", "1")])
def test_strength_grows_with_the_move_up_to_one(price: str, strength: str) -> None:
    found = opinions([(0, "100"), (1, price)])[-1]
    assert found is not None
    assert found.strength == Decimal(strength)


def test_price_at_the_edge_of_the_look_back_counts_and_an_older_one_does_not() -> None:
    assert opinions([(0, "100"), (5, "101")])[-1] is not None
    assert opinions([(0, "100"), (5.000001, "101")])[-1] is None


def test_hours_without_a_trade_give_no_signal_whatever_the_price_then_is() -> None:
    assert opinions([(0, "100"), (4 * 3600, "200"), (4 * 3600 + 1, "200")]) == [None, None, None]


def test_move_on_too_little_volume_is_none() -> None:
    assert opinions([(0, "100"), (1, "101")], quantity=Decimal("4.97")) == [None, None]  # 998.97 in all
    assert opinions([(0, "100"), (1, "101")], quantity=Decimal("4.98"))[-1] is not None  # 1,000.98


def test_volume_from_before_the_look_back_does_not_count() -> None:
    assert opinions([(0, "100"), (0, "100"), (6, "100"), (7, "101")], quantity=Decimal("4.9"))[-1] is None


def test_no_second_signal_during_the_cool_down() -> None:
    found = opinions([(0, "100"), (1, "101"), (2, "102"), (4.999, "103"), (5, "104")])
    assert [opinion is not None for opinion in found] == [False, True, False, False, True]


def test_move_that_is_not_given_starts_no_cool_down() -> None:
    found = opinions([(0, "100"), (1, "100.5"), (2, "101")])
    assert found[-1] is not None


def test_greatest_jump_that_messages_allow_is_a_signal_of_full_strength() -> None:
    low, high = "0.000000000000000001", "1000000000"
    memory = Momentum(SETTINGS)
    memory.update(a_trade(price=Decimal(low), quantity=Decimal(10)))
    found = memory.update(a_trade(price=Decimal(high), quantity=Decimal(1), trade_id=2))
    assert found == Opinion("BUY", Decimal(1), Decimal(1))


ticks = st.lists(st.tuples(st.integers(0, 3000), st.integers(9_000, 11_000)), min_size=1, max_size=40)


@selective
@given(ticks, st.integers(0, 39))
def test_same_trades_give_the_same_opinions_also_after_a_restart(steps: list[tuple[int, int]], restart: int) -> None:
    trades = walked(steps)
    first, second = Momentum(SETTINGS), Momentum(SETTINGS)
    given_first = [first.update(trade) for trade in trades]
    assume(any(given_first[restart:]))
    for trade in trades[:restart]:
        second.update(trade)
    assert [second.update(trade) for trade in trades[restart:]] == given_first[restart:]


@selective
@given(ticks)
def test_signals_are_at_least_a_cool_down_apart_and_between_zero_and_one(steps: list[tuple[int, int]]) -> None:
    memory = Momentum(SETTINGS)
    found = [(trade.ts_event, opinion) for trade in walked(steps) if (opinion := memory.update(trade))]
    assume(len(found) >= 2)
    assert all(Decimal("0.5") <= opinion.strength <= 1 for _, opinion in found)
    assert all(later - earlier >= 4 * SECOND for (earlier, _), (later, _) in pairwise(found))


def walked(steps: list[tuple[int, int]]) -> list[MarketData]:
    """Trades of one symbol from milliseconds since the last one and price in cents."""
    times = accumulate((milliseconds * 1_000_000 for milliseconds, _ in steps), initial=NOW)
    return [
        a_trade(ts_event=ts_event, price=Decimal(cents) / 100, trade_id=number)
        for number, (ts_event, (_, cents)) in enumerate(zip(islice(times, 1, None), steps, strict=True))
    ]
