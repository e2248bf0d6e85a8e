"""Moments and spans on a command line."""

from datetime import UTC, datetime

import pytest

from cdb.backtest.times import BadTime, Span, span, span_of, time_ns, train_and_test

DAY = int(datetime(2026, 1, 31, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("text", "after_midnight_us"),
    [
        ("2026-01-31", 0),
        ("2026-01-31T12:00", 12 * 3600 * 10**6),
        ("2026-01-31T12:00+02:00", 10 * 3600 * 10**6),
        ("2026-01-31T00:00:00.000007", 7),
    ],
)
def test_a_time_is_in_utc_unless_it_says_otherwise_and_to_the_microsecond(text: str, after_midnight_us: int) -> None:
    assert time_ns("--from", text) == DAY + after_midnight_us * 1_000


def test_either_end_of_a_span_may_be_missing() -> None:
    assert span("--train", "2026-01-31..") == Span(DAY, None)
    assert span("--train", "..2026-01-31") == Span(None, DAY)
    assert span_of(None, None) == Span()
    assert span_of("2026-01-31", None) == Span(DAY, None)


@pytest.mark.parametrize("text", ["", "..", "2026-01-31", "2026-01-31-2026-02-01"])
def test_what_is_no_span_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(BadTime, match=r"^--test .* is no span: T1\.\.T2, T1\.\. or \.\.T2 is allowed"):
        span("--test", text)


def test_a_wrong_time_and_a_span_that_ends_before_it_begins_are_refused() -> None:
    with pytest.raises(BadTime, match=r"^--train 'soon' is no time: 2026-01-31 or 2026-01-31T12:00 is allowed$"):
        span("--train", "soon..2026-01-31")
    with pytest.raises(BadTime, match=r"^--train .*: 2026-01-31 must be before 2026-01-31$"):
        span("--train", "2026-01-31..2026-01-31")
    with pytest.raises(BadTime, match=r"^--from 2026-02-01 must be before --to 2026-01-31$"):
        span_of("2026-02-01", "2026-01-31")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("2026-01-01..2026-01-31", "2026-01-30..2026-02-05"),
        ("2026-01-01..", "2026-01-30..2026-02-05"),
        ("2026-01-01..2026-01-31", "..2026-02-05"),
    ],
)
def test_a_test_on_trades_of_the_training_is_refused(train: str, test: str) -> None:
    with pytest.raises(BadTime, match=r"^--test .* must begin where --train .* ends, or later"):
        train_and_test(train, test)


def test_a_test_may_begin_where_the_training_ends() -> None:
    assert train_and_test("..2026-01-31", "2026-01-31..") == (Span(None, DAY), Span(DAY, None))
