"""Figures are written as Grafana writes them."""

import math

import pytest

from cdb.dashboard.model.units import formatted


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.00432, "s", "4.32 ms"),
        (0.0000021, "s", "2.10 µs"),
        (90, "s", "1.50 min"),
        (7200, "s", "2 h"),
        (45.31, "percent", "45.3%"),
        (0.5, "percentunit", "50%"),
        (1234.5, "currencyUSD", "$1.23K"),
        (-3.2, "currencyUSD", "-$3.20"),
        (0, "currencyUSD", "$0"),
        (12, "short", "12"),
        (1_250_000, "short", "1.25 Mil"),
        (1_572_864, "bytes", "1.50 MiB"),
        (1.5, "decmbytes", "1.50 MB"),
        (12.3, "ops", "12.3 ops/s"),
        (1234, "ops", "1.23K ops/s"),
        (0.125, "cps", "0.125 c/s"),
    ],
)
def test_a_figure_is_scaled_and_carries_its_unit(value: float, unit: str, text: str) -> None:
    assert formatted(value, unit) == text


def test_the_decimals_asked_for_are_kept_and_nothing_is_minus_nothing() -> None:
    assert formatted(2, "percent", 2) == "2.00%"
    assert formatted(-0.0001, "currencyUSD", 2) == "$0.00"


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (math.nan, "–"), (math.inf, "∞"), (-math.inf, "-∞")])  # noqa: RUF001
def test_what_is_no_number_is_a_dash_or_an_infinity(value: float | None, text: str) -> None:
    assert formatted(value, "s") == text
