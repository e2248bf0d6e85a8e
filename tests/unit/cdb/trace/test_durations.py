"""Lengths of time are read strictly and shown briefly."""

import pytest

from cdb.trace.durations import parse, shown


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("50ms", 50_000), ("1.5s", 1_500_000), ("15m", 900_000_000), ("2h", 7_200_000_000), ("1d", 86_400_000_000),
     ("100us", 100), ("0.5ms", 500), ("7d", 604_800_000_000)],
)  # fmt: skip
def test_a_number_and_its_unit_are_read(text: str, microseconds: int) -> None:
    assert parse(text) == microseconds


@pytest.mark.parametrize(
    "text",
    ["", "50", "ms", "-50ms", "+5s", "0ms", "0.0000001ms", "5 ms", " 5ms", "5ms ", "5MS", "1m30s", "1e3s", ".5s", "5.s",
     "1,5s", "nan", "inf", "8d", "5ms\n", "\u0665s", "9999999999s", "0x5s"],
)  # fmt: skip
def test_anything_else_is_refused_and_what_is_allowed_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no length of time: a number and us, ms, s, m, h or d is"):
        parse(text)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0, "0 us"), (4.4, "4 us"), (999, "999 us"), (1_000, "1.00 ms"), (2_310, "2.31 ms"), (9_996, "10.0 ms"),
     (99_960, "100 ms"), (301_400, "301 ms"), (999_600, "1.00 s"), (119e6, "119 s"), (126e6, "2.1 min"),
     (-1_500, "-1.50 ms")],
)  # fmt: skip
def test_three_digits_are_shown(microseconds: float, text: str) -> None:
    assert shown(microseconds) == text
