"""What a panel's settings, overrides, thresholds and mappings make of a value."""

import math
from typing import Any

import msgspec
import pytest

from cdb.dashboard.model.answers import series_of
from cdb.dashboard.model.colours import PLAIN, colour
from cdb.dashboard.model.dashboards import Panel, Query
from cdb.dashboard.model.look import Look, look_of


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
        {"type": "value", "options": {"7": {"text": "some", "color": "blue"}}},
    ]
    look = _look(mappings=mappings, thresholds=STEPS, unit="s")
    assert [look.text(value) for value in (0.0, 3.0, 7.0, math.nan)] == ["DOWN", "3 s", "some", "–"]  # noqa: RUF001
    assert (look.colour(0.0), look.colour(7.0), look.colour(3.0)) == (colour("red"), colour("blue"), colour("green"))


def test_without_thresholds_a_value_is_plain_and_a_fixed_colour_is_kept() -> None:
    assert _look().colour(3) == PLAIN
    assert _look(color={"mode": "fixed", "fixedColor": "red"}, thresholds=STEPS).colour(3) == colour("red")


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [
        ({"id": "byName", "options": "PnL"}, True),
        ({"id": "byName", "options": "Size"}, False),
        ({"id": "byFrameRefID", "options": "B"}, True),
        ({"id": "byFrameRefID", "options": "A"}, False),
    ],
)
def test_an_override_is_for_the_fields_that_it_names(matcher: dict[str, str], matches: bool) -> None:
    properties = [{"id": "unit", "value": "percent"}, {"id": "custom.cellOptions", "value": {"type": "color-text"}}]
    look = look_of(_panel(unit="s", overrides=[{"matcher": matcher, "properties": properties}]), "PnL", ref_id="B")
    assert look.text(3) == ("3%" if matches else "3 s")
    assert (look.settings.custom.cell_options.type == "color-text") is matches


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
    (series,) = series_of(_panel(), Query(legend_format=legend), [({"__name__": "m", **labels}, ((1.0, 2.0),))])
    assert (series.name, series.last) == (name, 2.0)
