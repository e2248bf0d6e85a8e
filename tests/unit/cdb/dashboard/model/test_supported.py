"""What is not supported is refused by name, in the panel's place, and is not asked for."""

from typing import Any

import msgspec
import pytest

from cdb.dashboard.model.ask import Window, ask
from cdb.dashboard.model.dashboards import Dashboard, Panel, load_dashboards
from cdb.dashboard.model.supported import unsupported
from cdb.kit.prometheus import Prometheus
from tests.support.paths import ROOT


def panel(**settings: Any) -> Panel:
    return msgspec.convert({"type": "stat", "title": "Title", "id": 7, **settings}, Panel)


def defaults(**settings: Any) -> dict[str, Any]:
    return {"fieldConfig": {"defaults": settings}}


def test_all_that_is_committed_is_supported() -> None:
    panels = [shown for board in load_dashboards(ROOT).read.values() for shown in board.shown]
    assert panels
    assert [str(refused) for shown in panels for refused in unsupported(shown)] == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"type": "heatmap"}, "panel type 'heatmap' is not supported by cdb dashboard; supported: stat, gauge, "),
        (defaults(unit="ms"), "unit 'ms' is not supported by cdb dashboard; supported: none, short, percent, "),
        ({"transformations": [{"id": "sortBy"}]}, "transformation 'sortBy' "),
        (defaults(mappings=[{"type": "range", "options": {}}]), "value mapping 'range' "),
        ({"options": {"reduceOptions": {"calcs": ["mean"]}}}, "calculation 'mean' "),
        ({"options": {"colorMode": "none"}}, "color mode 'none' "),
        ({"options": {"graphMode": "area"}}, "graph mode 'area' "),
        (defaults(color={"mode": "continuous-GrYlRd"}), "color scheme 'continuous-GrYlRd' "),
        (defaults(custom={"thresholdsStyle": {"mode": "area"}}), "thresholds style 'area' "),
        (defaults(custom={"cellOptions": {"type": "gauge"}}), "cell type 'gauge' "),
        (defaults(displayName="x"), "setting 'displayName' "),
    ],
)
def test_what_is_not_supported_is_named_with_what_is(settings: dict[str, Any], says: str) -> None:
    (refused,) = unsupported(panel(**settings))
    assert str(refused).startswith(says)


@pytest.mark.parametrize(
    ("matcher", "setting", "value", "says"),
    [
        ("byRegexp", "unit", "s", "override for fields 'byRegexp' "),
        ("byName", "noValue", "0", "override 'noValue' "),
        ("byName", "unit", "parsecs", "unit 'parsecs' "),
        ("byName", "custom.cellOptions", {"type": "gauge"}, "cell type 'gauge' "),
        ("byName", "unit", 5, "override 'Expected `str`, got `int`"),
        ("byName", "color", {"mode": "fixed", "fixedColor": "#123456"}, "color '#123456' "),
    ],
)
def test_overrides_are_looked_through(matcher: str, setting: str, value: object, says: str) -> None:
    override = {"matcher": {"id": matcher, "options": "x"}, "properties": [{"id": setting, "value": value}]}
    (refused,) = unsupported(panel(fieldConfig={"overrides": [override]}))
    assert str(refused).startswith(says)


def test_what_cannot_be_drawn_says_so_in_its_place_and_is_not_asked_for() -> None:
    board = Dashboard(title="", uid="", panels=(panel(type="heatmap", targets=[{"expr": "up"}]),))
    with Prometheus("http://127.0.0.1:1") as nobody:
        answers = ask(board, Window(0.0, 60.0), nobody).answers
    assert answers[id(board.panels[0])].error.startswith("panel type 'heatmap' is not supported")
