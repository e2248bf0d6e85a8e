"""Figures are written in one way by every command."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from cdb.kit.figures import microseconds, moment, money, percent, seconds


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0 µs"), (4.4, "4 µs"), (999, "999 µs"), (1_000, "1.00 ms"), (2_310, "2.31 ms"), (9_996, "10.0 ms"),
     (99_960, "100 ms"), (301_400, "301 ms"), (999_600, "1.00 s"), (119e6, "119 s"), (126e6, "2.1 min"),
     (7_200e6, "2.0 h"), (47 * 3_600e6, "47.0 h"), (3 * 86_400e6, "3.0 d"), (-1_500, "-1.50 ms")],
)  # fmt: skip
def test_a_length_of_time_has_two_or_three_digits_and_its_unit(length: float, text: str) -> None:
    assert microseconds(length) == seconds(length / 1e6) == text


def test_a_moment_is_in_utc_whatever_its_time_zone() -> None:
    noon = datetime(2026, 11, 23, 12, 0, 5, 999_999, UTC)
    assert moment(noon) == moment(noon.astimezone(timezone(timedelta(hours=9)))) == "2026-11-23 12:00:05"


def test_money_and_shares_have_two_decimals() -> None:
    assert (money(Decimal("-1234567.891")), percent(Decimal("0.06"))) == ("-1,234,567.89", "6.00 %")
