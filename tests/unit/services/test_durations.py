"""Lengths of time are read strictly, by one grammar, wherever they are written."""

from datetime import timedelta

import pytest

from services.durations import LONGEST, BadDuration, for_servers, parse, written


@pytest.mark.parametrize(
    ("text", "length"),
    [("50ms", timedelta(milliseconds=50)), ("1.5s", timedelta(seconds=1.5)), ("15m", timedelta(minutes=15)),
     ("2h", timedelta(hours=2)), ("1d", timedelta(days=1)), ("100us", timedelta(microseconds=100)),
     ("0.5ms", timedelta(microseconds=500)), ("7d", timedelta(days=7)), ("2w", timedelta(weeks=2)),
     ("1y", timedelta(days=365)), ("1m30s", timedelta(seconds=90)), ("1h30m", timedelta(minutes=90)),
     ("90s", timedelta(seconds=90))],
)  # fmt: skip
def test_a_number_and_its_unit_are_read(text: str, length: timedelta) -> None:
    assert parse(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "50", "ms", "-50ms", "+5s", "0.0000001ms", "5 ms", " 5ms", "5ms ", "5MS", "1e3s", ".5s", "5.s", "1m30",
     "1,5s", "nan", "inf", "5ms\n", "\u0665s", "9999999999s", "0x5s", "a week", "5min", "5M"],
)  # fmt: skip
def test_anything_else_is_refused_and_what_is_allowed_is_said(text: str) -> None:
    with pytest.raises(BadDuration, match=r"is not a length of time: a number with us, ms, s, m, h, d, w or y is"):
        parse(text)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1.5", 1.5), ("90s", 90), ("2m", 120)])
def test_a_plain_number_counts_in_the_unit_that_the_caller_names(text: str, seconds: float) -> None:
    assert parse(text, plain="s") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["0s", "0.0000001s", "29s", "8d", "999999999y"])
def test_a_length_out_of_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(BadDuration, match=r"is out of range: 30s to 7d is allowed|is not a length"):
        parse(text, least=timedelta(seconds=30), most=timedelta(days=7))


def test_nothing_is_no_length_of_time_unless_it_is_asked_for() -> None:
    with pytest.raises(BadDuration, match="out of range"):
        parse("0s")
    assert parse("0", least=timedelta(), plain="s") == timedelta()
    assert parse("100y") == LONGEST


@pytest.mark.parametrize("text", ["90s", "15m", "2h", "7d", "50ms", "1500us", "0s", "36h"])
def test_what_is_written_is_read_again(text: str) -> None:
    assert written(parse(text, least=timedelta())) == text


@pytest.mark.parametrize(
    ("text", "given"), [("7d", "604800s"), ("1.5s", "1500ms"), ("4500ms", "4500ms"), ("90s", "90s"), ("1us", "1ms")]
)
def test_servers_get_a_form_that_go_and_prometheus_read(text: str, given: str) -> None:
    assert for_servers(parse(text)) == given
