"""The axis of a chart's values."""

import msgspec
import pytest

from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.axis import Axis, axis_of
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import answered


def axis(*values: float, **settings: float) -> Axis:
    """The axis of a chart of *values*."""
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"defaults": settings}}, Panel)
    return axis_of(answered(panel, [Series("s", tuple(enumerate(values)))]), 4)


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
