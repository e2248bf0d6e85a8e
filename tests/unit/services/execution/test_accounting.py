"""What fills do to position and cash."""

from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.costs import UNIT
from services.execution.accounting import Booking, Holding, Overdrawn, Oversold, book, cash_after
from tests.support.building import selective


def test_purchase_costs_its_notional_and_its_fee() -> None:
    found = book(Holding(), "BUY", Decimal(2), notional=Decimal(200), fee=Decimal("0.2"))
    assert found == Booking(Holding(Decimal(2), Decimal("200.2")), Decimal("-200.2"), None)


def test_sale_realises_what_it_brings_beyond_its_share_of_the_cost() -> None:
    held = Holding(Decimal(4), Decimal(400))
    found = book(held, "SELL", Decimal(1), notional=Decimal(130), fee=Decimal("0.1"))
    assert found == Booking(Holding(Decimal(3), Decimal(300)), Decimal("129.9"), Decimal("29.9"))


def test_last_sale_takes_all_cost_that_is_left() -> None:
    held = book(Holding(Decimal(3), Decimal(100)), "SELL", Decimal(2), notional=Decimal(70), fee=Decimal(0)).holding
    assert held.cost == Decimal("33.33333333")
    closed = book(held, "SELL", Decimal(1), notional=Decimal(30), fee=Decimal(0))
    assert closed.holding == Holding()
    assert closed.realised_pnl == Decimal("-3.33333333")


@pytest.mark.parametrize("held", ["0", "1"])
def test_more_than_is_held_cannot_be_sold(held: str) -> None:
    with pytest.raises(Oversold, match=rf"1\.00000001 to sell, {held} held"):
        book(Holding(Decimal(held), Decimal(held)), "SELL", Decimal("1.00000001"), notional=Decimal(1), fee=Decimal(0))


def test_purchase_may_take_all_cash_and_not_a_unit_more() -> None:
    bought = book(Holding(), "BUY", Decimal(2), notional=Decimal(200), fee=Decimal("0.2"))
    assert cash_after(Decimal("200.2"), bought) == 0
    with pytest.raises(Overdrawn, match=r"200\.2 to pay, 200\.19999999 in cash"):
        cash_after(Decimal("200.19999999"), bought)


@pytest.mark.parametrize("cash", ["-500", "-0.00000001", "0"])
def test_sale_is_booked_whatever_the_debt(cash: str) -> None:
    """An account from before the rule gets out of its debt by selling."""
    sold = book(Holding(Decimal(4), Decimal(400)), "SELL", Decimal(1), notional=Decimal(130), fee=Decimal("0.1"))
    assert cash_after(Decimal(cash), sold) == Decimal(cash) + Decimal("129.9")


eighths = st.integers(1, 10**14).map(lambda units: units * UNIT)
fees = st.integers(0, 10**9).map(lambda units: units * UNIT)


@selective
@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), eighths, eighths, fees), max_size=30), eighths, fees)
def test_nothing_is_ever_lost_or_made_up(
    fills: list[tuple[Literal["BUY", "SELL"], Decimal, Decimal, Decimal]], last: Decimal, last_fee: Decimal
) -> None:
    start = cash = Decimal(1_000_000)
    holding, realised, bought, sold = Holding(), Decimal(0), Decimal(0), Decimal(0)
    for side, quantity, notional, fee in fills:
        try:
            found = book(holding, side, quantity, notional=notional, fee=fee)
        except Oversold:
            assert quantity > holding.quantity
            continue
        bought += quantity if side == "BUY" else 0
        sold += quantity if side == "SELL" else 0
        holding, cash, realised = found.holding, cash + found.cash_change, realised + (found.realised_pnl or 0)
        assert (found.realised_pnl is None) == (side == "BUY")
        assert cash + holding.cost == start + realised
        assert holding.quantity == bought - sold >= 0
        assert holding.cost >= 0
    assume(sold and holding.quantity)
    closing = book(holding, "SELL", holding.quantity, notional=last, fee=last_fee)
    assert closing.holding == Holding()
    assert cash + closing.cash_change == start + realised + (closing.realised_pnl or 0)
