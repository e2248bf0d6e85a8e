"""What a panel's settings, overrides, thresholds and mappings make of a value."""

import math
from typing import Any

import msgspec
import pytest

from cdb.dashboard.board.answers import Answer, from_samples, reduced
from cdb.dashboard.board.ask import Window
from cdb.dashboard.board.axis import axis_of, times
from cdb.dashboard.board.colours import PLAIN, colour
from cdb.dashboard.board.look import Look, look_of
from cdb.dashboard.model.model import Panel, Query
from cdb.kit.prometheus import Sample


def _look(name: str = "field", **settings: Any) -> Look:
    return look_of(_panel(**settings), name)


def _panel(*, overrides: list[dict[str, Any]] | None = None, **defaults: Any) -> Panel:
    config = {"defaults": defaults, "overrides": overrides or []}
    return msgspec.convert({"type": "stat", "title": "Title", "fieldConfig": config}, Panel)


STEPS = {"steps": [{"color": "green", "value": None}, {"color": "yellow", "value": 50}, {"color": "red", "value": 80}]}


@pytest.mark.parametrize(
    ("value", "name"), [(-1, "green"), (49.9, "green"), (50, "yellow"), (79, "yellow"), (80, "red"), (1e9, "red")]
)
def test_a_threshold_is_reached_at_its_value(value: float, name: str) -> None:
    assert _look(thresholds=STEPS).colour(value) == colour(name)


def test_thresholds_in_percent_are_shares_of_the_range() -> None:
    look = _look(thresholds={"mode": "percentage", **STEPS}, min=0, max=10)
    assert (look.colour(4.9), look.colour(5), look.colour(8)) == (colour("green"), colour("yellow"), colour("red"))


def test_a_mapping_goes_before_unit_and_threshold() -> None:
    mappings = [
        {"type": "value", "options": {"0": {"text": "DOWN", "color": "red"}}},
        {"type": "range", "options": {"from": 5, "to": 9, "result": {"text": "some", "color": "blue"}}},
        {"type": "special", "options": {"match": "null+nan", "result": {"text": "none"}}},
    ]
    look = _look(mappings=mappings, thresholds=STEPS, unit="s")
    assert [look.text(value) for value in (0.0, 3.0, 7.0, math.nan)] == ["DOWN", "3 s", "some", "none"]
    assert (look.colour(0.0), look.colour(7.0), look.colour(3.0)) == (colour("red"), colour("blue"), colour("green"))


def test_without_thresholds_a_value_is_plain_and_a_fixed_colour_is_kept() -> None:
    assert _look().colour(3) == PLAIN
    assert _look(color={"mode": "fixed", "fixedColor": "dark-red"}, thresholds=STEPS).colour(3) == colour("dark-red")


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [
        ({"id": "byName", "options": "PnL"}, True),
        ({"id": "byName", "options": "Size"}, False),
        ({"id": "byRegexp", "options": "/^P.L$/"}, True),
        ({"id": "byFrameRefID", "options": "B"}, True),
        ({"id": "byFrameRefID", "options": "A"}, False),
    ],
)
def test_an_override_is_for_the_fields_that_it_names(matcher: dict[str, str], matches: bool) -> None:
    properties = [{"id": "unit", "value": "percent"}, {"id": "custom.cellOptions", "value": {"type": "color-text"}}]
    look = look_of(_panel(unit="s", overrides=[{"matcher": matcher, "properties": properties}]), "PnL", "B")
    assert look.text(3) == ("3%" if matches else "3 s")
    assert bool(look.settings.custom) is matches


@pytest.mark.parametrize(
    ("legend", "labels", "name"),
    [
        ("{{symbol}} now", {"symbol": "BTC"}, "BTC now"),
        ("", {"symbol": "BTC"}, "BTC"),
        ("__auto", {"symbol": "BTC", "side": "BUY"}, "symbol=BTC, side=BUY"),
        ("", {}, "Title"),
    ],
)
def test_a_series_is_called_as_its_legend_says(legend: str, labels: dict[str, str], name: str) -> None:
    sample = Sample({"__name__": "m", **labels}, 1.0, 2.0)
    (series,) = from_samples(_panel(), Query(legend_format=legend), (sample,))
    assert (series.name, reduced(_panel(), series)) == (name, 2.0)


def test_the_time_axis_has_round_times_within_the_window() -> None:
    found, texts = times(Window(end=1_700_000_123.0, range_s=900.0), 5)
    assert [at % 300 for at in found] == [0.0, 0.0, 0.0]
    assert [text[-1] for text in texts] == ["0", "5", "0"] or [text[-1] for text in texts] == ["5", "0", "5"]


def test_a_value_far_beyond_a_fixed_axis_is_held_near_it() -> None:
    """Plotext draws every cell of the way to a point, so one odd value would stall the board."""
    panel = _panel(min=0, max=1)
    axis = axis_of(panel, Answer(from_samples(panel, Query(), (Sample({}, 1.0, 0.5),))), 8)
    assert (axis.held(12_345.0), axis.held(-12_345.0), axis.held(0.7)) == (1.5, -0.5, 0.7)
