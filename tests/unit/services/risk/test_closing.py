"""What closing positions, a trip and a reset would do, in figures."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.actions import Refused
from services.risk.closing import breaker_figures, closings, figures_of
from tests.support.building import (
    LIMITS,
    NOW,
    SECOND,
    a_mark,
    a_portfolio,
    a_position,
    held_as,
    in_flight,
    quick,
)


def test_a_position_is_closed_at_its_newest_price() -> None:
    portfolio = a_portfolio(held={"ETHUSDT": (10, 900)}, prices={"ETHUSDT": "95.5"})
    (one,) = closings("a", "", portfolio, LIMITS, now_ns=NOW)
    assert one.figures(now_ns=NOW + 2 * SECOND) == {
        "symbol": "ETHUSDT",
        "strategy": "momentum_v1",
        "position_id": "position:ETHUSDT:momentum_v1",
        "order_id": "operator:a:position:ETHUSDT:momentum_v1",
        "held": "10",
        "quantity": "10",
        "price": "95.5",
        "price_age_s": 2.0,
        "notional": "955.00000000",
        "cost": "900",
        "estimated_result": "55.00000000",
    }


@given(
    quantities=st.lists(st.decimals("0.00000001", "1e6", places=8), min_size=1, max_size=4),
    price=st.decimals("0.0001", "1e6", places=4),
)
@quick
def test_sums_are_those_of_the_positions_and_no_more_is_sold_than_held(
    quantities: list[Decimal], price: Decimal
) -> None:
    positions = [a_position("ETHUSDT", quantity=q, cost=1, strategy=f"s{n}") for n, q in enumerate(quantities)]
    portfolio = a_portfolio(positions=held_as(*positions), prices={"ETHUSDT": f"{price}"})
    found = closings("a", "ETHUSDT", portfolio, LIMITS, now_ns=NOW)
    assert len({one.order_id for one in found}) == len(quantities)
    assert all(0 < one.quantity <= one.position.quantity for one in found)
    figures = figures_of(found, now_ns=NOW)
    for name in ("notional", "estimated_result"):
        assert Decimal(figures[name]) == sum(Decimal(one[name]) for one in figures["positions"])


def test_what_a_sale_in_flight_disposes_of_is_left_out() -> None:
    portfolio = a_portfolio(held={"ETHUSDT": (10, 900)}, in_flight=(in_flight("ETHUSDT", "SELL", quantity=4),))
    (one,) = closings("a", "", portfolio, LIMITS, now_ns=NOW)
    assert (one.quantity, one.result) == (Decimal(6), Decimal(6 * 100 - 540))


def test_a_position_that_is_being_sold_names_no_order() -> None:
    sale = in_flight("ETHUSDT", "SELL", quantity=10)
    portfolio = a_portfolio(held={"ETHUSDT": (10, 900), "BTCUSDT": (1, 90)}, in_flight=(sale,))
    figures = {one.position.symbol: one.figures(now_ns=NOW) for one in closings("a", "", portfolio, LIMITS, now_ns=NOW)}
    assert figures["ETHUSDT"]["order_id"] is None
    assert figures["BTCUSDT"]["order_id"] is not None
    with pytest.raises(Refused, match="already sell all of it"):
        closings("a", "ETHUSDT", portfolio, LIMITS, now_ns=NOW)


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_what_is_no_price_closes_nothing(price: str) -> None:
    portfolio = a_portfolio(held={"ETHUSDT": (10, 900)}, prices={"ETHUSDT": price})
    with pytest.raises(Refused, match="ETHUSDT had no price"):
        closings("a", "", portfolio, LIMITS, now_ns=NOW)


def test_one_position_without_a_price_is_named_and_the_others_can_be_closed() -> None:
    portfolio = a_portfolio(held={"ETHUSDT": (10, 900), "BTCUSDT": (1, 90)})
    portfolio.marks = {"BTCUSDT": a_mark(100)}
    with pytest.raises(Refused, match="ETHUSDT had no price in the last 300 s"):
        closings("a", "", portfolio, LIMITS, now_ns=NOW)
    assert len(closings("a", "BTCUSDT", portfolio, LIMITS, now_ns=NOW)) == 1


def test_a_reset_takes_equity_as_the_reference_and_a_trip_keeps_it() -> None:
    portfolio = a_portfolio(cash=90_000)
    assert breaker_figures(portfolio, trips=True) == {
        "breaker_active_before": False,
        "breaker_active_after": True,
        "equity": "90000",
        "reference_equity_before": "100000",
        "reference_equity_after": "100000",
        "drawdown_before": "0.10000000",
        "drawdown_after": "0.10000000",
        "all_positions_marked": True,
    }
    tripped = breaker_figures(a_portfolio(cash=90_000, breaker_active=True), trips=False)
    assert (tripped["reference_equity_after"], tripped["drawdown_after"]) == ("90000", "0")


def test_a_trip_is_possible_whatever_is_unknown_and_a_reset_is_not() -> None:
    for active in (False, True):
        portfolio = a_portfolio(held={"ETHUSDT": (10, 900)}, prices={"ETHUSDT": "NaN"}, breaker_active=active)
        portfolio.marks = {}
        if active:
            with pytest.raises(Refused, match="no price yet"):
                breaker_figures(portfolio, trips=False)
        else:
            assert breaker_figures(portfolio, trips=True)["all_positions_marked"] is False
