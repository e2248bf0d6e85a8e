"""What a terminal makes of the axes of a chart."""

import msgspec

from cdb.dashboard.board.chart import held
from cdb.dashboard.board.times import times
from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.axis import axis_of
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import answered


def test_the_time_axis_has_round_times_within_the_window() -> None:
    found, texts = times(Window(end=1_700_000_123.0, range_s=900.0), 5)
    assert [at % 300 for at in found] == [0.0, 0.0, 0.0]
    assert [text[-1] for text in texts] == ["0", "5", "0"] or [text[-1] for text in texts] == ["5", "0", "5"]


def test_a_value_far_beyond_a_fixed_axis_is_held_near_it() -> None:
    """Plotext draws every cell of the way to a point, so one odd value would stall the board."""
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"defaults": {"min": 0, "max": 1}}}, Panel)
    axis = axis_of(answered(panel, [Series("s", ((1.0, 0.5),))]), 4)
    assert (held(12_345.0, axis), held(-12_345.0, axis), held(0.7, axis)) == (1.5, -0.5, 0.7)
