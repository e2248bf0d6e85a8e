"""Curves: points in a picture of 1000 by 200."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cdb.performance.charts import falls
from console.curve import HEIGHT, WIDTH, curve


def places(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points.split())]


def test_a_curve_goes_from_its_first_moment_to_its_last() -> None:
    found = curve([(0.0, 10.0), (50.0, 30.0), (100.0, 20.0)])
    assert found is not None
    line = places(found.line)
    assert [x for x, _ in line] == [0, WIDTH / 2, WIDTH]
    assert line[1][1] < line[2][1] < line[0][1], "higher values are nearer to the top, which is 0"
    assert (found.lowest, found.highest, found.newest) == (Decimal("10.0"), Decimal("30.0"), Decimal("20.0"))
    assert (found.begin, found.end) == (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 1, 40, tzinfo=UTC))


@pytest.mark.parametrize("points", [[], [(1.0, 5.0)]])
def test_a_point_is_no_curve(points: list[tuple[float, float]]) -> None:
    assert curve(points) is None


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0])
def test_a_curve_that_does_not_move_is_drawn_all_the_same(value: float) -> None:
    found = curve([(0.0, value), (0.0, value)])
    assert found is not None
    assert all(0 <= y <= HEIGHT for _, y in places(found.line))


def test_a_level_outside_of_the_curve_is_in_the_picture() -> None:
    found = curve([(0.0, 10.0), (1.0, 11.0)], level=100.0)
    assert found is not None
    assert found.level is not None
    assert 0 <= found.level < min(y for _, y in places(found.line))


def test_the_area_is_between_the_curve_and_its_base() -> None:
    found = curve([(0.0, -1.0), (1.0, 1.0)], base=0.0)
    assert found is not None
    first, *_, last = places(found.area)
    assert first[1] == last[1] == HEIGHT / 2


def test_a_fall_is_measured_from_the_highest_value_before() -> None:
    assert falls([(0, 100.0), (1, 90.0), (2, 200.0), (3, 150.0)]) == [(0, 0.0), (1, -10.0), (2, 0.0), (3, -25.0)]
    assert str(falls([(0, 100.0)])[0][1]) == "0.0", "and never -0"
