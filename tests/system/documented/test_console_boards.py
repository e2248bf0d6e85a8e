"""Dashboards and traces on the console: figures are those of Prometheus, and a slow point leads to its cause."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from cdb.dashboard.model.dashboards import Dashboard, Panel, load_dashboards
from cdb.dashboard.model.variables import substitute
from tests.support.console_pages import CONSOLE, DRAWN, looked_at
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.documented.documented_stack import Documented

pytestmark = pytest.mark.e2e

BOARDS: Final = {board.uid: board for board in load_dashboards(ROOT).read.values()}
RANGE_S: Final = 900
STEP_S: Final = 5
CLICKS: Final = 20
SLOW: Final = "curl -s -X POST 'http://localhost:8002/test/slow-decisions?delay_ms=700&seconds=600'"
USUAL: Final = "curl -s -X POST 'http://localhost:8002/test/slow-decisions?delay_ms=1&seconds=0.1'"
_SLOW_ONES: Final = r"""
list => [...list.querySelectorAll('tr')].filter(row => /^([7-9]\d\d ms|\d+\.\d+ s)/.test(row.cells[1].innerText))
  .map(row => ({
    took: row.cells[1].innerText.trim(),
    leads_to: row.querySelector("a[href^='/traces/']").getAttribute('href'),
  }))
"""
_POINTS: Final = """
[...document.querySelectorAll('.timeseries [data-live=drawn]:has(script)')].flatMap(part => {
  const data = JSON.parse(part.querySelector('script').textContent).option.series.find(one => one.id === 'traces');
  const told = point => ({ part: part.id, trace: point.trace, at: point.value[0], value: point.value[1] });
  return (data?.data ?? []).map(told);
})
"""
_PIXEL: Final = """
point => {
  const plot = document.querySelector(`#${point.part} .plot`);
  plot.scrollIntoView({ block: 'center' });
  const chart = echarts.getInstanceByDom(plot), box = plot.getBoundingClientRect();
  const [x, y] = chart.convertToPixel({ seriesId: 'traces' }, [point.at, point.value]);
  return [box.x + x, box.y + y];
}
"""


def drawn(page: Page, uid: str) -> dict[str, Any]:
    """Open a dashboard; what each of its charts is drawn from, by the panel's title."""
    page.goto(f"{CONSOLE}/d/{uid}?from=now-15m&to=now")
    page.wait_for_function(DRAWN)
    texts = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.panel.timeseries')].map(one =>"
        " [one.querySelector('h2').textContent, one.querySelector('script')?.textContent]))"
    )
    return {title: json.loads(text)["option"] for title, text in texts.items() if text}


@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_has_figures_or_says_why_not(browser: Browser, uid: str) -> None:
    def bare() -> list[str]:
        with looked_at(browser) as (page, _):
            page.goto(f"{CONSOLE}/d/{uid}?from=now-15m&to=now")
            page.wait_for_function(DRAWN)
            bodies = page.locator(".panel .body")
            assert bodies.count() == len(BOARDS[uid].panels)
            said = [(one.locator("canvas").count(), one.inner_text().strip()) for one in bodies.all()]
            return [f"panel {number}" for number, (canvases, text) in enumerate(said) if not canvases and not text]

    until(bare, holds=lambda seen: not seen, within_s=120, what="a figure, or a reason, in every panel")


@pytest.mark.parametrize("uid", BOARDS)
def test_the_newest_points_of_charts_are_what_prometheus_answers(stack: Documented, browser: Browser, uid: str) -> None:
    with looked_at(browser) as (page, _):
        options = drawn(page, uid)
    assert options
    compared = 0
    for panel in BOARDS[uid].panels:
        if panel.type == "timeseries" and panel.title in options:
            option = options[panel.title]
            shown = newest([one["data"] for one in option["series"] if one["id"] != "traces"])
            assert shown == newest(answers(stack, BOARDS[uid], panel, end=option["xAxis"]["max"] / 1000)), panel.title
            compared += len(shown)
    assert compared


def answers(stack: Documented, board: Dashboard, panel: Panel, *, end: float) -> list[list[Any]]:
    """What Prometheus itself has for the queries of *panel* whose answers are drawn."""
    found = []
    limits = {step.options.config_ref_id for step in panel.transformations}
    for query in (one for one in panel.targets if not one.hide and one.ref_id not in limits):
        asked = {
            "query": substitute(query.expr, board, {}, RANGE_S),
            "start": end - RANGE_S,
            "end": end,
            "step": STEP_S,
        }
        words = " ".join(f"--data-urlencode {json.dumps(f'{name}={value}')}" for name, value in asked.items())
        words = words.replace("$", "\\$")
        said = stack.shell(f"curl -sG http://localhost:19090/api/v1/query_range {words}").stdout
        found += [[(at, float(text)) for at, text in one["values"]] for one in json.loads(said)["data"]["result"]]
    return found


def newest(series: list[list[Any]]) -> Counter[str]:
    """The newest number of each, as often as it is there."""
    values = [[value for _, value in points if value is not None and math.isfinite(value)] for points in series]
    return Counter(f"{found[-1]:.9g}" for found in values if found)


def test_twenty_points_lead_to_their_traces_by_a_click(browser: Browser) -> None:
    with looked_at(browser) as (page, _):
        points = until(
            lambda: settled_points(page), holds=lambda seen: len(seen) >= CLICKS, within_s=600, what="points"
        )
        for point in points[:CLICKS]:
            page.mouse.click(*page.evaluate(_PIXEL, point))
            page.wait_for_url(f"{CONSOLE}/traces/*")
            expect(page.get_by_role("heading", name="Where its time went")).to_be_visible()
            page.go_back()
            page.wait_for_function(DRAWN)


def settled_points(page: Page) -> list[dict[str, Any]]:
    """Points whose traces are old enough to be stored, none so near another one that a click could mean either.

    The time that the page shows stands still, so that they stay where they are.
    """
    now_ms = page.evaluate("Date.now()")
    page.goto(f"{CONSOLE}/d/cdb-system-health?from={now_ms - 1000 * RANGE_S}&to={now_ms}&refresh=off")
    page.wait_for_function(DRAWN)
    found: list[dict[str, Any]] = []
    for point in page.evaluate(_POINTS):
        near = [one for one in found if one["part"] == point["part"] and abs(one["at"] - point["at"]) < 15_000]
        if point["at"] < now_ms - 40_000 and not near:
            found.append(point)
    return found


def test_a_drag_over_a_chart_shows_that_time_and_back_leads_back(browser: Browser) -> None:
    with looked_at(browser) as (page, complaints):
        now_ms = page.evaluate("Date.now()")
        whole = f"{CONSOLE}/d/cdb-risk-alerts?from={now_ms - 1000 * RANGE_S}&to={now_ms}&refresh=off"
        page.goto(whole)
        page.wait_for_function(DRAWN)
        box = page.locator(".timeseries .plot").first.bounding_box()
        assert box
        half, end, middle = box["x"] + box["width"] / 2, box["x"] + box["width"] + 50, box["y"] + box["height"] / 2
        page.mouse.move(half, middle)
        page.mouse.down()
        page.mouse.move(end, middle, steps=5)
        page.mouse.up()
        page.wait_for_url(lambda url: url != whole)
        shown = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
        assert abs(int(shown["to"]) - now_ms) <= 1_000  # the chart's own end
        assert RANGE_S / 3 < (int(shown["to"]) - int(shown["from"])) / 1000 < 2 * RANGE_S / 3
        assert shown["refresh"] == "off"
        page.wait_for_function(DRAWN)
        page.go_back()
        assert page.url == whole
        assert complaints == []


@pytest.fixture
def slowed(stack: Documented) -> Iterator[None]:
    """Slow every decision: this market is calm, more than a minute may pass without one."""
    stack.shell(SLOW)
    yield
    stack.shell(USUAL)


@pytest.mark.usefixtures("slowed")
def test_a_slow_decision_is_found_from_the_overview_and_explained(browser: Browser) -> None:
    with looked_at(browser) as (page, _):

        def explained() -> list[str]:
            """What the slow ones' own pages say. The list is read in one look: it is drawn anew meanwhile."""
            page.goto(CONSOLE)
            listed = page.locator("#slow")
            said = []
            for one in listed.evaluate(_SLOW_ONES):
                page.goto(f"{CONSOLE}{one['leads_to']}")
                sentence = page.get_by_text("The decision took").inner_text()
                assert f"The decision took {one['took']}" in sentence
                said.append(sentence)
            return said or [listed.inner_text()]

        until(
            explained,
            holds=lambda said: any("in risk.read_state" in one for one in said),
            within_s=240,
            what="a decision that was slow when it read the book",
        )
