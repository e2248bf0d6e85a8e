"""The axes of a chart."""

import msgspec
import pytest

from cdb.dashboard.board.axis import Axis, axis_of, times
from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import answered


def test_the_time_axis_has_round_times_within_the_window() -> None:
    found, texts = times(Window(end=1_700_000_123.0, range_s=900.0), 5)
    assert [at % 300 for at in found] == [0.0, 0.0, 0.0]
    assert [text[-1] for text in texts] == ["0", "5", "0"] or [text[-1] for text in texts] == ["5", "0", "5"]


def axis(*values: float, **settings: float) -> Axis:
    """The axis of a chart of *values*."""
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"defaults": settings}}, Panel)
    return axis_of(answered(panel, [Series("s", tuple(enumerate(values)))]), 8)


def test_what_hardly_changes_is_not_measured_from_zero() -> None:
    """The account's equity would be a flat line."""
    close = axis(99_960.0, 100_040.0)
    assert (close.low, close.high) == (99_960.0, 100_040.0)


@pytest.mark.parametrize("values", [(5.0, 100.0), (-100.0, -99.0), (100.0, 100.0)])
def test_an_axis_has_some_length(values: tuple[float, ...]) -> None:
    found = axis(*values)
    assert found.low <= min(values) <= max(values) <= found.high
    assert found.low < found.high


def test_what_changes_is_measured_from_zero_and_a_minimum_is_kept() -> None:
    assert axis(50.0, 100.0).low == 0
    assert axis(99.0, 100.0, min=0).low == 0


def test_a_value_far_beyond_a_fixed_axis_is_held_near_it() -> None:
    """Plotext draws every cell of the way to a point, so one odd value would stall the board."""
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"defaults": {"min": 0, "max": 1}}}, Panel)
    axis = axis_of(answered(panel, [Series("s", ((1.0, 0.5),))]), 8)
    assert (axis.held(12_345.0), axis.held(-12_345.0), axis.held(0.7)) == (1.5, -0.5, 0.7)
