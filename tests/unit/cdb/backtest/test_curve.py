"""Exposure of an account that is looked at again and again."""

from decimal import Decimal

import pytest

from cdb.backtest.curve import MOST_POINTS, Curve
from services.risk.portfolio import Book, Mark, Portfolio
from tests.support.building import a_position, held_as


def portfolio(cash: int, quantity: int = 0, price: int = 10) -> Portfolio:
    positions = held_as(a_position("BTCUSDT", quantity=quantity, cost=1)) if quantity else {}
    return Portfolio(Book(cash=Decimal(cash), positions=positions), {"BTCUSDT": Mark(Decimal(price), 1, 1)})


def test_exposure_is_what_is_held_at_its_price() -> None:
    curve = Curve()
    curve.look(1, portfolio(100))
    curve.look(2, portfolio(100, quantity=10))
    assert (curve.most_exposure, curve.mean_exposure) == (Decimal("0.5"), Decimal("0.25"))


@pytest.mark.parametrize("looks", [1, MOST_POINTS, 5 * MOST_POINTS + 7])
def test_a_long_curve_keeps_points_from_its_beginning_to_its_end(looks: int) -> None:
    curve = Curve()
    for number in range(1, looks + 1):
        curve.look(number, portfolio(number))
    assert len(curve.points) < 2 * MOST_POINTS
    assert curve.points[0].ts_ns == 1
    assert looks - curve.points[-1].ts_ns < 16
