"""Figures over daily returns, oldest first: floats, for they are no money; 0.01 is a gain of 1 %.

All are absent (None) below MIN_RETURNS: so few days say nothing about a year, or about one day in twenty.
"""

from collections.abc import Sequence
from math import floor, fsum, prod, sqrt
from typing import Final

DAYS_A_YEAR: Final = 365
"""The market never closes."""
MIN_RETURNS: Final = 20
WINDOW: Final = 30
"""Newest returns that volatility and Sharpe ratio look at."""
TAIL: Final = 0.05
_ROUNDING: Final = 1e-12
"""A deviation below it is none: amounts are rounded to 8 decimals, and floats to 16 digits."""


def annual_volatility(returns: Sequence[float]) -> float | None:
    """Sample deviation of the newest returns, times the root of a year's days."""
    recent = returns[-WINDOW:]
    return _deviation(recent) * sqrt(DAYS_A_YEAR) if len(recent) >= MIN_RETURNS else None


def sharpe_ratio(returns: Sequence[float]) -> float | None:
    """Mean of the newest returns over their sample deviation, for a year; the risk-free return is 0.

    None if they do not deviate.
    """
    recent = returns[-WINDOW:]
    if len(recent) < MIN_RETURNS or not (deviation := _deviation(recent)):
        return None
    return _mean(recent) / deviation * sqrt(DAYS_A_YEAR)


def sortino_ratio(returns: Sequence[float]) -> float | None:
    """Mean return over the root of the mean of squared losses, for a year; every day counts in both means.

    None if no day lost.
    """
    if len(returns) < MIN_RETURNS:
        return None
    deviation = sqrt(_mean([min(each, 0.0) ** 2 for each in returns]))
    return _mean(returns) / deviation * sqrt(DAYS_A_YEAR) if deviation > _ROUNDING else None


def annual_return(returns: Sequence[float]) -> float | None:
    """The growth of all returns together, as if a year's days had gone like these. -1 once everything is lost."""
    if len(returns) < MIN_RETURNS:
        return None
    growth = prod(1 + each for each in returns)
    return growth ** (DAYS_A_YEAR / len(returns)) - 1 if growth > 0 else -1.0


def calmar_ratio(returns: Sequence[float], max_drawdown: float) -> float | None:
    """Annual return over *max_drawdown*, a share. None without a drawdown."""
    annual = annual_return(returns)
    return annual / max_drawdown if annual is not None and max_drawdown > 0 else None


def value_at_risk(returns: Sequence[float]) -> float | None:
    """What one of twenty days loses at least, as a positive share of equity; negative if even that day gains.

    The quantile lies on the line between the two returns nearest to it (Hyndman and Fan's type 7).
    """
    if len(returns) < MIN_RETURNS:
        return None
    ordered = sorted(returns)
    place = (len(ordered) - 1) * TAIL
    below = floor(place)
    return -(ordered[below] + (ordered[below + 1] - ordered[below]) * (place - below))


def expected_shortfall(returns: Sequence[float]) -> float | None:
    """The mean loss of the worst days, down to the one below value at risk's quantile; never less than that.

    A positive share of equity is a loss.
    """
    if len(returns) < MIN_RETURNS:
        return None
    worst = floor((len(returns) - 1) * TAIL) + 1
    return -_mean(sorted(returns)[:worst])


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    mean = _mean(values)
    found = sqrt(fsum((each - mean) ** 2 for each in values) / (len(values) - 1))
    return found if found > _ROUNDING else 0.0
