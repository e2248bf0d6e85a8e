"""How much a symbol moves and trades."""

from decimal import Decimal
from math import sqrt

import pytest

from services.core.activity import STEP_NS, STEPS, Activity
from tests.support.building import NOW, a_trade


def fed(*prices: str, step_ns: int = STEP_NS) -> Activity:
    """Give an activity that has seen one trade of 2 at each price, a step apart."""
    activity = Activity()
    for number, price in enumerate(prices):
        activity.take_in(a_trade(ts_event=NOW + number * step_ns, price=Decimal(price), quantity=Decimal(2)))
    return activity


def test_volatility_is_the_root_of_the_mean_of_squared_returns() -> None:
    """15 returns of +1 % and 15 of -1/101 of the price, in turn."""
    prices = ["100" if step % 2 == 0 else "101" for step in range(STEPS + 2)]
    expected = sqrt((15 * 0.01**2 + 15 * (1 / 101) ** 2) / 30)
    assert fed(*prices).volatility() == pytest.approx(expected, rel=1e-9)


def test_there_is_none_before_five_minutes_have_ended() -> None:
    assert fed(*["100"] * (STEPS + 1)).volatility() is None
    assert fed(*["100"] * (STEPS + 2)).volatility() == 0.0


def test_a_step_ends_at_its_last_price() -> None:
    """Nine out of ten prices are inside a step."""
    inside = ["100", *["150"] * 8, "100"]
    assert fed(*inside * (STEPS + 2), step_ns=STEP_NS // 10).volatility() == 0.0


def test_a_pause_counts_as_a_price_that_did_not_move() -> None:
    activity = fed("100")
    activity.take_in(a_trade(ts_event=NOW + 1_000 * STEP_NS, price=Decimal(100)))
    assert activity.volatility() == 0.0


def test_notional_is_counted_once() -> None:
    activity = fed("100", "50")
    assert activity.take_notional() == 300
    assert activity.take_notional() == 0
