"""The committed JSON is read as it is; what is none is refused by its file's name."""

import json
import os
import re
from pathlib import Path

import pytest

from cdb.dashboard.model.dashboards import DashboardError, load_dashboard, load_dashboards
from tests.support.paths import ROOT


def test_every_committed_dashboard_is_read_with_all_its_panels() -> None:
    dashboards = load_dashboards(ROOT).read
    assert len(dashboards) == 4
    for file, dashboard in dashboards.items():
        raw = json.loads(file.read_text(encoding="utf-8"))
        assert {panel.title for panel in dashboard.shown} == {p["title"] for p in raw["panels"]}
        assert all(panel.targets and panel.targets[0].expr for panel in dashboard.shown)


def test_panels_come_from_top_to_bottom(tmp_path: Path) -> None:
    def panel(title: str, y: int, x: int = 0) -> dict[str, object]:
        return {"type": "stat", "title": title, "gridPos": {"h": 1, "w": 1, "x": x, "y": y}}

    file = tmp_path / "board.json"
    file.write_text(json.dumps({"title": "t", "uid": "u", "panels": [panel("c", 3), panel("b", 1, 5), panel("a", 1)]}))
    assert [shown.title for shown in load_dashboard(file).shown] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"title": "t"}', "missing required field `uid`"),
        (b'\xef\xbb\xbf{"title": "t", "uid": "u"}', "invalid character"),
        (b"\x7fELF\x02\x01\x01\x00", "invalid character"),
        (b'{"title": "\xff", "uid": "u"}', "utf-8"),
        (b'{"title": NaN, "uid": "u"}', "invalid character"),
        (b'{"title": "t", "uid": "u", "panels": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "Expected"),
        (b'{"title": "t", "uid": "u", "other": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "recursion"),
        (
            b'{"title":"x","uid":"x","refresh":false,'
            b'"panels":[{"type":"stat","datasource":"Prometheus","gridPos":{"h":4.5}}]}',
            "Expected `str`, got `bool` - at `$.refresh`",
        ),
    ],
)
def test_what_is_no_dashboard_is_refused_with_the_reason(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_bytes(content)
    with pytest.raises(DashboardError, match=re.escape(why)):
        load_dashboard(file)


@pytest.mark.parametrize(
    "panel",
    [
        {"type": 1},
        {"datasource": "Prometheus"},
        {"gridPos": {"h": 4.5}},
        {"gridPos": {"h": 8}, "targets": {}},
        {"gridPos": {"w": 0}},
        {"gridPos": {"x": -1}},
        {"options": {"reduceOptions": 5}},
        {"options": {"sortBy": [{"desc": True}]}},
        {"fieldConfig": {"defaults": {"decimals": -1}}},
        {"fieldConfig": {"defaults": {"max": "100"}}},
        {"fieldConfig": {"defaults": {"max": 1e300}}},
        {"fieldConfig": {"defaults": {"custom": {"thresholdsStyle": "line"}}}},
        {"fieldConfig": {"defaults": {"mappings": [{"type": "value", "options": {"0": "DOWN"}}]}}},
        {"links": ["https://example.com"]},
    ],
    ids=json.dumps,
)
def test_a_panel_of_another_shape_is_refused_with_its_place(panel: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps({"title": "t", "uid": "u", "panels": [{"type": "stat", **panel}]}))
    with pytest.raises(DashboardError, match=r"at `\$\.panels\[0\]"):
        load_dashboard(file)


def test_a_file_that_is_no_dashboard_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "monitoring/dashboards/json"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("[]")
    (folder / "b.json").write_text('{"title": "t", "uid": "u"}')
    (folder / "c.json").write_bytes(b'{"title": "\xff"}')
    (folder / "directory.json").mkdir()
    (folder / "dangling.json").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.json")
    found = load_dashboards(tmp_path)
    assert [file.name for file in found.read] == ["b.json"]
    assert [file.name for file in found.refused] == ["a.json", "c.json", "dangling.json", "directory.json", "pipe.json"]
    assert all(found.refused.values())
