"""The committed dashboards: made from the Python that is here, and as they have to be."""

import json
from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final
from urllib.parse import unquote

import pytest

from monitoring.dashboards.source import links
from monitoring.dashboards.source.__main__ import FILES, ROOT, TARGETS
from monitoring.dashboards.source.__main__ import main as build
from monitoring.dashboards.source.board import as_json
from monitoring.dashboards.source.sdk import models, register_default_plugins
from tests.unit.monitoring.dashboards.frozen import BOARDS, HEALTH, LATENCIES, REJECTIONS

COMMITTED: Final[dict[str, dict[str, Any]]] = {
    Path(name).stem: json.loads((ROOT / name).read_text(encoding="utf-8")) for name in FILES
}
PANELS: Final[dict[str, dict[str, Any]]] = {
    panel["title"]: panel for board in COMMITTED.values() for panel in board["panels"]
}


def links_of(panel: dict[str, Any]) -> Iterator[str]:
    """Yield where a panel leads."""
    for link in (*panel["links"], *panel["fieldConfig"]["defaults"].get("links", ())):
        yield link["url"]


def within(part: Any, whole: Any) -> bool:
    """Whether *whole* has all that *part* has, objects in objects too."""
    if isinstance(part, dict):
        return all(name in whole and within(value, whole[name]) for name, value in part.items())
    return bool(part == whole)


def absolute_steps(defaults: dict[str, Any]) -> Iterator[tuple[float | None, str]]:
    """Yield the colours with the value from which on each is shown; percentages are of the way from min to max."""
    thresholds = defaults["thresholds"]
    assert thresholds["mode"] in {"absolute", "percentage"}
    low, high = (defaults["min"], defaults["max"]) if thresholds["mode"] == "percentage" else (0, 100)
    for step in thresholds["steps"]:
        value = step["value"]
        yield (None if value is None else low + value * (high - low) / 100), step["color"]


def test_committed_dashboards_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert build(["--check"]) == 0, capsys.readouterr().err


def test_check_names_each_stale_file_and_writes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*FILES, TARGETS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    assert build(["--check"], root=tmp_path) == 1
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == [*FILES, TARGETS]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    assert build([], root=tmp_path) == 0
    assert build(["--check"], root=tmp_path) == 0

    changed = tmp_path / "monitoring/dashboards/json/cdb-risk-alerts.json"
    changed.write_text(changed.read_text(encoding="utf-8").replace("90", "91"), encoding="utf-8")
    assert build(["--check"], root=tmp_path) == 1
    assert capsys.readouterr().err == (
        "monitoring/dashboards/json/cdb-risk-alerts.json is out of date; run make generate\n"
    )


def test_there_is_no_dashboard_that_nothing_makes() -> None:
    assert {file.stem for file in (ROOT / "monitoring/dashboards/json").iterdir()} == set(COMMITTED) == set(BOARDS)


@pytest.mark.parametrize("uid", BOARDS)
def test_a_dashboard_read_by_grafanas_schema_is_the_same_again(uid: str) -> None:
    """What the schema does not know would be lost on the way; of a link's place it knows one value only."""
    register_default_plugins()
    again = as_json(models.Dashboard.from_json(COMMITTED[uid]))
    assert json.loads(again.replace('"placement": "inControlsMenu"', '"placement": ""')) == COMMITTED[uid]


@pytest.mark.parametrize("uid", BOARDS)
def test_a_dashboard_has_its_name_refresh_and_panels_in_order(uid: str) -> None:
    board, wanted = COMMITTED[uid], BOARDS[uid]
    assert (board["uid"], board["title"], board["refresh"]) == (uid, wanted.title, wanted.refresh)
    assert [panel["title"] for panel in board["panels"]] == list(wanted.panels)


@pytest.mark.parametrize(("uid", "title"), [(uid, title) for uid, board in BOARDS.items() for title in board.panels])
def test_a_panel_has_its_kind_unit_and_colours(uid: str, title: str) -> None:
    panel, wanted = PANELS[title], BOARDS[uid].panels[title]
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["type"] == wanted.kind
    assert defaults["unit"] == wanted.unit
    assert tuple(absolute_steps(defaults)) == wanted.steps
    assert within(wanted.defaults, defaults), defaults


@pytest.mark.parametrize("uid", BOARDS)
def test_panels_fill_the_grid_without_overlap(uid: str) -> None:
    places = [panel["gridPos"] for panel in COMMITTED[uid]["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))
    assert len(cells) == 24 * (1 + max(y for _, y in cells))


@pytest.mark.parametrize("title", PANELS)
def test_every_panel_says_what_high_and_low_mean_and_names_its_data_source(title: str) -> None:
    panel = PANELS[title]
    assert len(panel["description"].split()) >= 12
    for part in (panel, *panel["targets"]):
        assert part["datasource"] == {"type": "prometheus", "uid": "prometheus"}
    assert [target["refId"] for target in panel["targets"]] == list(ascii_uppercase)[: len(panel["targets"])]
    curve = panel["type"] == "timeseries"
    assert {(target["range"], target["instant"]) for target in panel["targets"]} == {(curve, not curve)}


def test_service_health_shows_each_part_once() -> None:
    assert tuple(target["legendFormat"] for target in PANELS["Service Health"]["targets"]) == HEALTH


def test_a_point_on_a_latency_panel_leads_to_traces() -> None:
    for title, service in LATENCIES.items():
        panel = PANELS[title]
        assert all(target["exemplar"] for target in panel["targets"])
        (trace,) = panel["fieldConfig"]["defaults"]["links"]
        panes = json.loads(unquote(trace["url"]).partition("panes=")[2])
        assert {pane["datasource"] for pane in panes.values()} == {"jaeger"}
        assert panes["traces"]["queries"][0]["service"] == service


def test_rejection_and_latency_panels_lead_to_a_runbook() -> None:
    for title in (*REJECTIONS, *LATENCIES):
        assert any(url.startswith(links.RUNBOOKS) for url in links_of(PANELS[title])), title


def test_every_runbook_that_a_panel_leads_to_is_there() -> None:
    urls = {url for panel in PANELS.values() for url in links_of(panel) if url.startswith("http")}
    assert urls
    for url in urls:
        assert (ROOT / "monitoring/runbooks" / url.removeprefix(links.RUNBOOKS)).is_file(), url


def test_the_symbols_to_choose_from_are_those_of_the_market() -> None:
    (variable,) = COMMITTED["cdb-trading-overview"]["templating"]["list"]
    assert (variable["name"], variable["multi"], variable["includeAll"]) == ("symbol", True, True)
    assert variable["query"]["query"] == "label_values(cdb_signals_generated_total, symbol)"
    assert variable["current"]["value"] == ["$__all"]


def test_the_positions_table_is_sorted_by_exposure() -> None:
    panel = PANELS["Position Exposure by Symbol"]
    _, merge, organize = panel["transformations"]
    assert merge["id"] == "merge"
    shown = organize["options"]
    assert [shown["renameByName"][name] for name in sorted(shown["indexByName"], key=shown["indexByName"].get)] == [
        *("Symbol", "Exposure %", "Size", "PnL")
    ]
    assert panel["options"]["sortBy"] == [{"displayName": "Exposure %", "desc": True}]


@pytest.mark.parametrize(
    ("title", "limit", "setting", "applied_to"),
    [
        ("Daily Drawdown", "daily_drawdown", "max", None),
        ("Total Exposure", "exposure", "max", None),
        ("Daily Drawdown History", "daily_drawdown", "threshold1", None),
        ("Total Exposure History", "exposure", "threshold1", None),
        ("Position Exposure by Symbol", "position", "max", {"id": "byFrameRefID", "options": "A"}),
    ],
)
def test_a_panel_follows_a_limit_of_the_risk_manager(
    title: str, limit: str, setting: str, applied_to: dict[str, str] | None
) -> None:
    panel = PANELS[title]
    asked, config = panel["targets"][-1], panel["transformations"][0]
    assert asked["expr"] == f'limit:cdb_risk_limit_pct:in_force{{limit="{limit}"}}'
    assert asked.get("format") != "table", "a table would have no name for the limit"
    assert config["id"] == "configFromData"
    mapping = {"fieldName": asked["legendFormat"], "handlerKey": setting, "reducerId": "lastNotNull"}
    where = {"applyTo": applied_to} if applied_to else {}
    assert config["options"] == {"configRefId": asked["refId"], "mappings": [mapping], **where}


def test_the_colours_of_a_position_are_shares_of_its_limit() -> None:
    """With the default of 10 %: yellow from 9, red from 10."""
    panel = PANELS["Position Exposure by Symbol"]
    (exposure,) = [o for o in panel["fieldConfig"]["overrides"] if o["matcher"]["options"] == "Exposure %"]
    (thresholds,) = [p["value"] for p in exposure["properties"] if p["id"] == "thresholds"]
    defaults = {**panel["fieldConfig"]["defaults"], "thresholds": thresholds}
    assert thresholds["mode"] == "percentage"
    assert list(absolute_steps(defaults)) == [(None, "green"), (9, "yellow"), (10, "red")]
