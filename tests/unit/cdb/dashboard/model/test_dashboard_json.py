"""The committed JSON is read as it is; what is none is refused by its file's name."""

import json
from pathlib import Path

import pytest

from cdb.dashboard.model.dashboards import DashboardError, load_dashboard, load_dashboards
from tests.support.paths import ROOT


def test_every_committed_dashboard_is_read_with_all_its_panels() -> None:
    dashboards = load_dashboards(ROOT)
    assert len(dashboards) == 3
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
    "text", ["", "{", "[]", '{"title": "t"}', '{"title": "t", "uid": "u", "panels": [{"type": 1}]}']
)
def test_what_is_no_dashboard_is_refused_by_its_files_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(text)
    with pytest.raises(DashboardError, match=r"^board\.json: "):
        load_dashboard(file)


def test_a_file_that_is_no_dashboard_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "monitoring/dashboards/json"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("[]")
    (folder / "b.json").write_text('{"title": "t", "uid": "u"}')
    (folder / "c.json").write_bytes(b'{"title": "\xff"}')
    errors: list[DashboardError] = []
    found = load_dashboards(tmp_path, refused=errors.append)
    assert [file.name for file in found] == ["b.json"]
    assert [str(error).partition(":")[0] for error in errors] == ["a.json", "c.json"]
    with pytest.raises(DashboardError, match=r"^a\.json: not a dashboard: "):
        load_dashboards(tmp_path)
