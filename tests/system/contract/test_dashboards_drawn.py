"""The dashboards in the terminal, from a bot that trades."""

import json
from typing import Final

import pytest

from cdb.dashboard.model.dashboards import Dashboard, load_dashboards
from tests.support.bot import Bot
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

WITHOUT_FIGURES: Final = {
    "Exchange Clock Skew",
    *("Market Volatility", "Recent Win Rate by Strategy"),
    *("Sharpe Ratio", "Value at Risk", "Expected Shortfall", "Best and Worst Symbols of 24 Hours"),
}
"""Panels whose figures do not exist on a simulated market, or not yet a few minutes after the first trade."""
BOARDS: dict[str, Dashboard] = {board.uid: board for board in load_dashboards(ROOT).read.values()}


@pytest.mark.usefixtures("evidence")
@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_is_drawn_with_data(whole_bot: Bot, uid: str) -> None:
    """No panel is without figures, fails, or shows what is no number, but for those named above."""
    board = BOARDS[uid]

    def lacking() -> list[str]:
        shown = json.loads(whole_bot.cdb("dashboard", uid, "--json").stdout)
        without = [panel["title"] for panel in shown["panels"] if panel["error"] or not _has_figures(panel)]
        return [title for title in without if title not in WITHOUT_FIGURES]

    until(lacking, holds=lambda found: not found, within_s=90, what="a figure on every panel", every_s=1)
    frame = whole_bot.cdb("dashboard", uid, "--once", "--width", "160")
    assert frame.returncode == 0, frame.stderr
    assert [panel.title for panel in board.shown if panel.title not in frame.stdout] == []
    assert "No data" not in frame.stdout
    if "Sharpe Ratio" in frame.stdout:
        assert "not enough data" in frame.stdout
    assert "nan" not in frame.stdout.lower().split()


def _has_figures(panel: dict[str, object]) -> bool:
    rows = panel.get("rows")
    if isinstance(rows, list):
        return bool(rows)
    values = panel["values"]
    return isinstance(values, list) and bool(values) and all(one["value"] is not None for one in values)
