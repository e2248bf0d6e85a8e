"""The options of charts: axes, limits, colours and gaps as the terminal has them, as JSON that ends no element."""

import json
import math
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

import console
from cdb.dashboard.model import supported
from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.axis import axis_of
from cdb.dashboard.model.colours import COLOURS, FAINT, ON_LIGHT, PLAIN, SERIES, colour
from cdb.dashboard.model.curves import legend
from cdb.dashboard.model.dashboards import Panel, load_dashboards
from cdb.dashboard.model.fields import Answer, answered
from cdb.dashboard.model.traces import TracePoint
from console.dashboards.charts import chart
from console.dashboards.panels import DRAWN, as_script
from tests.support.paths import ROOT

WINDOW: Final = Window(end=1_700_000_000.0, range_s=900.0)
PANELS: Final = {panel.title: panel for board in load_dashboards(ROOT).read.values() for panel in board.shown}
GREEN, YELLOW, RED = colour("green"), colour("yellow"), colour("red")


def over_time(panel: Panel, *values: float, limit: float | None = None) -> Answer:
    points = tuple((WINDOW.end - 5.0 * (len(values) - 1 - at), value) for at, value in enumerate(values))
    series = [Series("it", points)]
    if limit is not None:
        series.append(Series("limit", ((WINDOW.end, limit),), ref_id=panel.targets[-1].ref_id))
    return answered(panel, series)


def option(title: str, *values: float, limit: float | None = None, points: tuple[TracePoint, ...] = ()) -> Any:
    return chart(PANELS[title], over_time(PANELS[title], *values, limit=limit), WINDOW, points)["option"]


def test_a_limit_is_a_line_in_its_colour_and_in_sight() -> None:
    found = option("Daily Drawdown History", 1.0, 2.0, limit=7.0)
    (limits,) = [one for one in found["series"] if one["id"] == "limits"]
    assert limits["markLine"]["data"] == [{"yAxis": 7.0, "lineStyle": {"color": RED}}]
    assert found["yAxis"]["max"] > 7.0


def test_a_limit_far_beyond_the_figures_is_not_on_the_axis() -> None:
    shown = {"thresholdsStyle": {"mode": "line"}}
    steps = {"steps": [{"color": "green"}, {"color": "red", "value": 100}]}
    defaults = {"custom": shown, "thresholds": steps}
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"defaults": defaults}}, Panel)
    found = chart(panel, over_time(panel, 1.0, 2.0), WINDOW)["option"]
    (limits,) = [one for one in found["series"] if one["id"] == "limits"]
    assert limits["markLine"]["data"] == []


def test_a_curve_has_the_colours_of_the_thresholds_that_it_reaches() -> None:
    found = option("Order Approval Rate (%)", 40.0, 60.0, 80.0)
    (colours,) = found["visualMap"]
    assert colours["pieces"] == [
        {"color": RED, "lt": 50.0},
        {"color": YELLOW, "gte": 50.0, "lt": 70.0},
        {"color": GREEN, "gte": 70.0},
    ]
    assert "itemStyle" not in found["series"][0]


def test_a_series_has_its_own_colour_and_the_area_below_it_where_the_panel_says_so() -> None:
    found = option("Cumulative PnL", 1.0, 2.0)["series"][0]
    assert found["areaStyle"] == {"opacity": 0.3}
    plain = option("Signals per Minute", 1.0, 2.0)["series"][0]
    assert plain["itemStyle"] == {"color": SERIES[0]}
    assert "areaStyle" not in plain


@pytest.mark.parametrize("values", [(1.0, 2.0), (-1.0, -2.0)])
def test_an_area_judges_neither_a_gain_nor_a_loss(values: tuple[float, float]) -> None:
    assert option("Cumulative PnL", *values)["series"][0]["itemStyle"] == {"color": colour("blue")}
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"defaults": {"custom": {"fillOpacity": 30}}}}, Panel)
    found = chart(panel, over_time(panel, *values), WINDOW)["option"]["series"][0]
    assert found["itemStyle"] == {"color": colour("blue")}


def colours_of(panel: Panel, *names: str) -> list[str]:
    """Colours of the legend for a series of each name."""
    answer = answered(panel, [Series(name, ((WINDOW.end, 80.0),)) for name in names])
    return [entry.colour for entry in legend(answer, axis_of(answer, 4)) if not entry.limit]


def test_curves_of_one_panel_differ_in_colour_although_thresholds_colour_one() -> None:
    panel = PANELS["Order Approval Rate (%)"]
    names = [query.legend_format for query in panel.targets]
    assert colours_of(panel, *names) == [GREEN, colour("blue")]
    answer = answered(panel, [Series(name, ((WINDOW.end, 80.0),)) for name in names])
    found = chart(panel, answer, WINDOW)["option"]
    assert [one["seriesIndex"] for one in found["visualMap"]] == [0]
    assert found["series"][1]["itemStyle"] == {"color": colour("blue")}


def test_curves_that_all_want_the_colours_of_thresholds_have_one_of_their_own_each() -> None:
    steps = {"steps": [{"color": "green"}, {"color": "red", "value": 90}]}
    defaults = {"color": {"mode": "thresholds"}, "thresholds": steps}
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"defaults": defaults}}, Panel)
    assert colours_of(panel, "a", "b", "c") == [*SERIES[:3]]


def test_no_curve_has_the_fixed_colour_of_another() -> None:
    override = {
        "matcher": {"id": "byName", "options": "limit"},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}],
    }
    panel = msgspec.convert({"type": "timeseries", "fieldConfig": {"overrides": [override]}}, Panel)
    found = colours_of(panel, "limit", *"abcdefgh")
    assert found[0] == RED
    assert len({*found}) == len(found)


def test_a_missing_point_ends_the_line_and_no_figure_is_made_up() -> None:
    points = ((WINDOW.end - 60.0, 1.0), (WINDOW.end - 55.0, math.nan), (WINDOW.end, 2.0))
    panel = PANELS["Signals per Minute"]
    found = chart(panel, answered(panel, [Series("it", points)]), WINDOW)["option"]["series"][0]["data"]
    assert [value for _, value in found] == [1.0, None, 2.0]


def test_a_single_point_is_seen() -> None:
    assert option("Signals per Minute", 3.0)["series"][0]["showSymbol"] is True
    assert option("Signals per Minute", 3.0, 4.0)["series"][0]["showSymbol"] is False


def test_a_point_above_the_axis_stands_on_its_edge_and_keeps_its_value() -> None:
    found = option("Signals per Minute", 3.0, 4.0, points=(TracePoint(WINDOW.end, 900.0, "a" * 32),))
    (traces,) = [one for one in found["series"] if one["id"] == "traces"]
    assert traces["data"][0]["value"][1] == found["yAxis"]["max"]
    assert traces["data"][0]["was"] == 900.0


def test_a_logarithmic_axis_has_the_limit_and_the_points_in_sight() -> None:
    found = option("p95 Event Processing by Service", 0.002, points=(TracePoint(WINDOW.end, 20.0, "a" * 32),))
    assert found["yAxis"] == {"type": "log", "min": 0.001, "max": 100.0}
    assert option("p95 Event Processing by Service", 0.002)["yAxis"]["max"] == 1.0


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf])
def test_a_logarithmic_axis_is_no_error_without_anything_to_show_on_it(value: float) -> None:
    assert option("Time from Trade to Order", value)["yAxis"]["type"] == "value"


@pytest.mark.parametrize(("value", "arc", "code"), [(1.0, 1.0, GREEN), (4.6, 4.6, RED), (80.0, 5.0, RED)])
def test_a_gauge_ends_at_its_limit_and_has_its_zones(value: float, arc: float, code: str) -> None:
    panel = PANELS["Daily Drawdown"]
    series = [Series("it", ((WINDOW.end, value),)), Series("limit", ((WINDOW.end, 5.0),), ref_id="B")]
    dial, zones = chart(panel, answered(panel, series), WINDOW)["option"]["series"]
    assert (dial["min"], dial["max"], dial["data"][0]["value"]) == (0, 5.0, arc)
    assert dial["progress"]["itemStyle"]["color"] == code
    assert dial["detail"]["formatter"] == f"{value:.2f}%"
    assert zones["axisLine"]["lineStyle"]["color"] == [
        [pytest.approx(0.6), GREEN],
        [pytest.approx(0.9), YELLOW],
        [1.0, RED],
    ]


def test_a_pie_of_nothing_but_zeros_has_no_slices() -> None:
    panel = PANELS["Violations by Type"]
    found = chart(panel, answered(panel, [Series("it", ((WINDOW.end, 0.0),))]), WINDOW)
    assert found["option"]["series"][0]["data"] == []


def test_json_ends_no_element_and_what_is_no_number_is_null() -> None:
    written = as_script({"a": "</script><!--&", "b": math.nan, "c": math.inf})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"a": "</script><!--&", "b": None, "c": None}


def test_every_type_of_panel_is_drawn_or_written() -> None:
    written = (Path(console.__file__).parent / "templates" / "_panel.html").read_text()
    assert {"stat", "bargauge"} <= {*re.findall(r'type == "(\w+)"', written)}
    assert {*supported.KINDS} - DRAWN == {"stat", "bargauge", "table"}


def test_every_colour_is_told_apart_from_either_ground() -> None:
    """WCAG 2: 4.5 for text, 3 for what is no text."""
    assert {*COLOURS.values(), *SERIES, PLAIN, FAINT} == {*ON_LIGHT}
    assert len({*ON_LIGHT.values()}) == len(ON_LIGHT)
    for dark, light in ON_LIGHT.items():
        least = 4.5 if dark in {*COLOURS.values(), PLAIN} else 3.0
        assert _contrast(dark, "#181b1f") >= least, dark
        assert _contrast(light, "#ffffff") >= least, light


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(code: str) -> float:
    parts = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
