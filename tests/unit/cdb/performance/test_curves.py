"""Curves in few points, and as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdb.performance.charts import drawdown_chart, line_chart
from cdb.performance.outline import MOST_SPANS, Outline
from cdb.performance.text_chart import HEIGHT, WIDTH, text_chart

values = st.lists(st.floats(1, 1e6), min_size=1, max_size=300)


def outline(values: list[float]) -> Outline:
    found = Outline()
    for when, value in enumerate(values):
        found.add(when, value)
    return found


@given(values)
def test_a_short_curve_is_kept_whole(some: list[float]) -> None:
    assert outline(some).points == [*enumerate(some)]


@pytest.mark.parametrize("length", [MOST_SPANS + 1, 7 * MOST_SPANS + 3, 20 * MOST_SPANS])
def test_a_long_curve_keeps_its_ends_and_its_extremes(length: int) -> None:
    some = [100.0 + place % 7 for place in range(length)]
    some[length // 3], some[length // 2] = 1.0, 1_000.0
    points = outline(some).points
    assert len(points) <= 4 * MOST_SPANS
    assert points == sorted(points)
    assert {(0, some[0]), (length - 1, some[-1]), (length // 3, 1.0), (length // 2, 1_000.0)} <= {*points}


@given(values)
def test_text_is_as_wide_and_high_as_asked(some: list[float]) -> None:
    lines = text_chart([*enumerate(some)])
    assert len(lines) == HEIGHT + 2
    assert {len(line) for line in lines[-2:]} == {max(map(len, lines))}


def test_text_shows_where_a_curve_is_high() -> None:
    low, high = [1.0] * WIDTH, [2.0] * WIDTH
    top, *_, bottom, _, times = text_chart([*enumerate(low + high)])
    assert top.strip().startswith("2.0000 │")
    assert top.count("█") == bottom.count("█") == WIDTH // 2
    assert bottom.count("▁") == WIDTH // 2
    assert times.split() == ["1970-01-01", "00:00", "1970-01-01", "00:02"]


def test_a_flat_curve_has_one_value_and_a_single_point_is_drawn() -> None:
    assert sum("5.0000" in line for line in text_chart([(0.0, 5.0), (1.0, 5.0)])) == 1
    assert text_chart([(0.0, 5.0)])


def test_charts_have_their_extremes_in_sight() -> None:
    for chart in (line_chart, drawdown_chart):
        drawn = chart([(0.0, 100.0), (60.0, 90.0), (120.0, 95.0)])
        assert drawn.startswith("<svg")
        assert "1970-01-01 00:02" in drawn
    assert "-10.5" in drawn  # 10 %, and a margin
