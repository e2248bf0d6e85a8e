"""Whatever a dashboard's JSON has in some place, its file is refused or each panel is drawn: nothing else happens."""

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

from cdb.check.files import FileError
from cdb.check.static import check
from cdb.dashboard.board.frame import Frame
from cdb.dashboard.model.answers import Series, series_of
from cdb.dashboard.model.ask import Snapshot, Window
from cdb.dashboard.model.dashboards import Dashboard, DashboardError, Panel, load_dashboard
from cdb.dashboard.model.fields import Answer, answered
from cdb.dashboard.model.supported import unsupported
from cdb.dashboard.model.values import as_values
from cdb.kit.paths import DASHBOARDS
from tests.support.copies import copy_project
from tests.support.paths import ROOT

WINDOW: Final = Window(end=1_700_000_000.0, range_s=900.0)
ODD: Final[tuple[object, ...]] = (None, -1, 1e15, "\x1b[2J", [], {}, [{}])
Place = tuple[str | int, ...]


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Yield every place in *value*; of a list only the first item."""
    if here:
        yield here
    inside = value.items() if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*here, key))


def put(whole: Any, place: Place, value: Any) -> Any:
    """Copy *whole* with *value* at *place*."""
    made = copy.deepcopy(whole)
    inside = made
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    return made


def one_panel_each() -> Iterator[tuple[str, Any]]:
    """Yield, for every type of panel, a committed dashboard with only one panel of that type."""
    seen: set[str] = set()
    for file in sorted((ROOT / DASHBOARDS).glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            if panel["type"] not in seen:
                seen.add(panel["type"])
                yield panel["title"], {**board, "panels": [panel]}


BOARDS: Final = dict(one_panel_each())


def drawn(board: Dashboard) -> None:
    """Draw *board* with two series for each query, as text and as values."""
    shown = Snapshot(board, WINDOW, {id(panel): answer(panel) for panel in board.shown})
    console = Console(width=100, file=io.StringIO(), force_terminal=True)
    assert bool(Frame(shown).lines(console)) is bool(board.panels)
    json.dumps(as_values(shown))


def answer(panel: Panel) -> Answer:
    if refused := unsupported(panel):
        return Answer(error=str(refused[0]))
    found: list[Series] = []
    for query in panel.targets:
        series = (({"symbol": name}, ((WINDOW.start, 1.0), (WINDOW.end, value))) for name, value in RUNS)
        found += series_of(panel, query, series)
    return answered(panel, found)


RUNS: Final = (("BTCUSDT", 7.25), ("ETHUSDT", float("nan")))


@pytest.mark.parametrize("title", BOARDS)
def test_an_odd_value_is_refused_or_drawn(title: str, tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps(BOARDS[title]))
    whole = load_dashboard(file)
    kept = refused = 0
    for place in places(BOARDS[title]):
        for value in ODD:
            file.write_text(json.dumps(put(BOARDS[title], place, value)))
            try:
                board = load_dashboard(file)
            except DashboardError:
                refused += 1
                continue
            kept += 1
            if board == whole:  # only Grafana reads what is at this place
                continue
            try:
                drawn(board)
            except Exception as error:
                raise AssertionError(f"{'.'.join(map(str, place))} = {value!r}") from error
    assert kept > 100 < refused


def test_a_dashboard_without_ids_shows_each_panel_its_own_answer(tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    panels = [{"type": "stat", "title": name, "targets": [{"expr": name}], "gridPos": {"y": at}} for at, name in PANELS]
    file.write_text(json.dumps({"title": "t", "uid": "u", "panels": panels}))
    board = load_dashboard(file)
    answers = {}
    for at, panel in enumerate(board.shown):
        answers[id(panel)] = answered(panel, series_of(panel, panel.targets[0], [({}, ((WINDOW.end, float(at)),))]))
    values = as_values(Snapshot(board, WINDOW, answers))
    assert [(panel["title"], panel["values"][0]["value"]) for panel in values["panels"]] == [("up", 0), ("down", 1)]


PANELS: Final = ((0, "up"), (8, "down"))


@pytest.mark.parametrize("content", ["", "[]", '{"title": "x", "uid": "x", "refresh": false}'])
def test_the_checker_names_what_is_no_dashboard_and_checks_the_others(content: str, tmp_path: Path) -> None:
    root = copy_project(tmp_path)
    (root / DASHBOARDS / "mine.json").write_text(content)
    report = check(root).report
    (finding,) = report.findings
    assert (finding.file, finding.place) == ("monitoring/dashboards/json/mine.json", "the whole file")
    assert finding.fault.startswith("is not a dashboard: ")
    assert report.looked_at["dashboards"] == 4


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("monitoring/grafana/provisioning/datasources/datasources.yml", "datasources: null"),
        ("monitoring/grafana/provisioning/datasources/more.yml", "- 5"),
        ("monitoring/grafana/provisioning/datasources/more.yml", "{datasources: [prometheus]}"),
        ("monitoring/prometheus/prometheus.yml", "global: {}"),
        ("monitoring/prometheus/prometheus.yml", "{global: {scrape_interval: soon}, scrape_configs: []}"),
        ("monitoring/prometheus/targets/redis.yml", "targets: [another:1]"),
        ("monitoring/prometheus/rules/more.yml", "groups: 7"),
        ("monitoring/prometheus/rules/more.yml", "when: 2026-99-99"),
        ("monitoring/other_metrics.yaml", "\x00"),
    ],
)
def test_another_file_of_another_shape_is_named(file: str, content: str, tmp_path: Path) -> None:
    root = copy_project(tmp_path)
    (root / file).write_text(content)
    with pytest.raises(FileError, match=f"^{file}: "):
        check(root)
