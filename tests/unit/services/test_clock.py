"""The time that decisions read."""

import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.clock import NANOSECONDS, EventClock, WallClock, end_of_utc_day, offset_s, to_datetime, utc_day
from tests.support.clocks import WrongClock
from tests.support.paths import ROOT
from tests.support.waiting import until

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


@pytest.mark.parametrize(
    ("theirs_s", "offset"), [(100, 0.0), (105, 0.0), (110, 0.0), (99, 1.0), (111, -1.0), (3710, -3600.0), (0, 100.0)]
)
def test_clocks_differ_by_what_no_delay_between_question_and_answer_explains(theirs_s: int, offset: float) -> None:
    """Asked at 100 s, answered by 110 s of our own clock."""
    assert offset_s(100 * NANOSECONDS, theirs_s * NANOSECONDS, 110 * NANOSECONDS) == offset


JUMPS = """
import sys
from services.clock import JumpWatch

watch = JumpWatch()
for _ in sys.stdin:
    print(round(watch.jump_s()), flush=True)
"""


@pytest.mark.integration
def test_a_clock_that_is_set_is_noticed_once_in_either_direction(tmp_path: Path) -> None:
    clock = WrongClock(tmp_path / "clock")
    command = [sys.executable, "-c", JUMPS]
    with subprocess.Popen(
        command, cwd=ROOT, env=clock.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        ask, answers = program.stdin, program.stdout

        def look() -> int:
            ask.write("look\n")
            ask.flush()
            return int(answers.readline())

        for ahead_s, jump_s in ((3600, 3600), (0, -3600), (-86_400, -86_400), (0, 86_400)):
            assert look() == 0
            clock.set(ahead_s)
            assert until(look, what="a jump") == jump_s
        ask.close()
