"""When a span of time begins."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from cdb.account.options import read_since
from cdb.account.since import Since

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("30d", NOON - timedelta(days=30)),
        ("1h30m", NOON - timedelta(minutes=90)),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_length_is_before_the_end_and_a_time_is_itself(text: str | None, begin: datetime | None) -> None:
    assert read_since(text).before(NOON) == begin


def test_the_beginning_is_part_of_the_span() -> None:
    since = Since(timedelta(hours=1))
    begin = NOON - timedelta(hours=1)
    assert since.includes(begin, end=NOON)
    assert not since.includes(begin - timedelta(microseconds=1), end=NOON)
    assert Since().includes(datetime.min.replace(tzinfo=UTC), end=NOON)


@pytest.mark.parametrize("text", ["soon", "0s", "-5d", "30", ""])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(typer.Exit) as ended:
        read_since(text)
    assert ended.value.exit_code == 2
