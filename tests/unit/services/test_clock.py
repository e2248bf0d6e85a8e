"""The time that decisions read."""

import time
from datetime import UTC, date, datetime

from services.clock import NANOSECONDS, EventClock, WallClock, end_of_utc_day, to_datetime, utc_day

LAST_NS_OF_2024 = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * NANOSECONDS - 1


def test_event_clock_shows_the_newest_event_and_never_goes_back() -> None:
    clock = EventClock()
    assert clock.now_ns() == 0
    for ts_event in (5, 9, 7):
        clock.advance(ts_event)
    assert clock.now_ns() == 9


def test_wall_clock_does_not_care_about_events() -> None:
    clock = WallClock()
    clock.advance(2**62)
    assert abs(clock.now_ns() - time.time_ns()) < 60 * NANOSECONDS


def test_day_ends_with_its_last_nanosecond_in_utc() -> None:
    assert utc_day(LAST_NS_OF_2024) == date(2024, 12, 31)
    assert utc_day(LAST_NS_OF_2024 + 1) == date(2025, 1, 1)
    assert end_of_utc_day(date(2024, 12, 31)) == LAST_NS_OF_2024 + 1
    assert end_of_utc_day(date(2025, 1, 1)) == LAST_NS_OF_2024 + 1 + 86_400 * NANOSECONDS


def test_datetime_is_aware_and_exact_to_the_microsecond() -> None:
    found = to_datetime(1_675_329_600_138_123_999)
    assert found == datetime(2023, 2, 2, 9, 20, 0, 138_123, tzinfo=UTC)
