"""Figures over daily returns, compared with empyrical."""

from collections.abc import Callable, Sequence
from math import isfinite, sqrt
from typing import Any

import empyrical
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.performance import returns
from services.performance.returns import MIN_RETURNS, WINDOW
from tests.unit.services.performance.building import unhurried

Figure = Callable[[Sequence[float]], float | None]

ORACLES: dict[Figure, Callable[[Any], float]] = {
    returns.annual_volatility: lambda some: empyrical.annual_volatility(some[-WINDOW:], annualization=365),
    returns.sharpe_ratio: lambda some: empyrical.sharpe_ratio(some[-WINDOW:], annualization=365),
    returns.sortino_ratio: lambda some: empyrical.sortino_ratio(some, annualization=365),
    returns.annual_return: lambda some: empyrical.annual_return(some, annualization=365),
    returns.value_at_risk: lambda some: -empyrical.value_at_risk(some),
    returns.expected_shortfall: lambda some: -empyrical.conditional_value_at_risk(some),
}
every_figure = pytest.mark.parametrize("figure", ORACLES, ids=lambda figure: figure.__name__)

millionths = st.integers(-500_000, 500_000).map(lambda number: number / 1e6)
many = st.lists(millionths, min_size=MIN_RETURNS, max_size=400)
ODD = {
    "flat": [0.0] * 40,
    "all the same": [0.01] * 40,
    "all losses": [-0.001 * day for day in range(1, 41)],
    "all gains": [0.001 * day for day in range(1, 41)],
    "one loss": [0.01] * 39 + [-0.2],
    "everything lost": [0.01] * 39 + [-1.0],
    "as few as can be": [0.01, -0.02] * 10,
    "quiet in the end": [0.5, -0.5] + [0.001] * 30,
}


def assert_same(figure: Figure, some: Sequence[float]) -> None:
    theirs = float(ORACLES[figure](np.array(some)))
    expected = pytest.approx(theirs, rel=1e-9, abs=1e-9) if isfinite(theirs) else None
    assert figure(some) == expected


@every_figure
@unhurried
@given(many)
def test_figures_of_random_returns_are_those_of_empyrical(figure: Figure, some: list[float]) -> None:
    assert_same(figure, some)


@every_figure
@pytest.mark.parametrize("some", ODD.values(), ids=ODD)
def test_figures_of_odd_returns_are_those_of_empyrical(figure: Figure, some: list[float]) -> None:
    assert_same(figure, some)


@unhurried
@given(many)
def test_the_calmar_ratio_is_that_of_empyrical_where_days_are_all_there_is(some: list[float]) -> None:
    drawdown = -float(empyrical.max_drawdown(np.array(some)))
    theirs = float(empyrical.calmar_ratio(np.array(some), annualization=365))
    expected = pytest.approx(theirs, rel=1e-9, abs=1e-9) if isfinite(theirs) else None
    assert returns.calmar_ratio(some, drawdown) == expected


@every_figure
@pytest.mark.parametrize("count", [0, 1, MIN_RETURNS - 1])
def test_a_few_days_have_no_figures(figure: Figure, count: int) -> None:
    some = [0.01, -0.02] * 10
    assert figure(some[:count]) is None
    assert figure(some) is not None


def test_without_days_or_drawdown_there_is_no_calmar_ratio() -> None:
    assert returns.calmar_ratio([0.01] * 19, 0.1) is None
    assert returns.calmar_ratio([0.01] * 20, 0.0) is None


def test_returns_that_differ_by_rounding_do_not_deviate() -> None:
    """Equity that grows by exactly 1 % a day has returns that differ in the last bit."""
    some = [0.01, 0.01 + 2e-18, 0.010000000000000002] * 10
    assert len({*some}) > 1
    assert returns.sharpe_ratio(some) is None
    assert returns.annual_volatility(some) == 0


@unhurried
@given(many)
def test_the_shortfall_is_never_less_than_the_value_at_risk(some: list[float]) -> None:
    shortfall, at_risk = returns.expected_shortfall(some), returns.value_at_risk(some)
    assert shortfall is not None
    assert at_risk is not None
    assert shortfall >= at_risk - 1e-15


def test_a_loss_at_risk_is_positive() -> None:
    assert returns.value_at_risk([-0.05] * 20) == 0.05
    assert returns.value_at_risk([0.05] * 20) == -0.05
    assert returns.expected_shortfall([-0.1] + [0.0] * 19) == 0.1


def test_all_days_count_in_the_denominator_of_the_sortino_ratio() -> None:
    one_loss = [0.02] * 19 + [-0.1]
    mean = (19 * 0.02 - 0.1) / 20
    assert returns.sortino_ratio(one_loss) == pytest.approx(mean / sqrt(0.1**2 / 20) * sqrt(365))
