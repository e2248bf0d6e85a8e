"""Every kind of panel, as the committed JSON has it, drawn from answers of the shape that Prometheus gives."""

import dataclasses
import math
import re

import pytest

from cdb.dashboard.board.kinds import KINDS
from cdb.dashboard.model import supported
from cdb.dashboard.model.colours import colour
from cdb.dashboard.model.dashboards import Panel
from tests.unit.cdb.dashboard.board.panels import BOARDS, colours, lines, now, over_time, panel, plain

GREEN, YELLOW, RED = colour("green"), colour("yellow"), colour("red")


def test_every_kind_of_panel_that_is_committed_is_drawn() -> None:
    assert {shown.type for board in BOARDS.values() for shown in board.shown} == set(KINDS) == set(supported.KINDS)


@pytest.mark.parametrize(("value", "text", "code"), [(0, "INACTIVE", GREEN), (1, "ACTIVE", RED)])
def test_the_breaker_is_a_word_in_its_colour(value: float, text: str, code: str) -> None:
    shown = panel("Circuit Breaker")
    drawn = lines(shown, *now(shown, ({}, value)))
    assert plain(drawn).split() == [text]
    assert any(code in style for style in colours(drawn, text))


@pytest.mark.parametrize(("value", "text", "code"), [(12.5, "$12.50", GREEN), (0, "$0.00", GREEN), (-3, "-$3.00", RED)])
def test_gains_are_green_and_losses_are_red(value: float, text: str, code: str) -> None:
    shown = panel("Current PnL")
    drawn = lines(shown, *now(shown, ({}, value)))
    assert plain(drawn).split("\n")[-2].strip() == text
    assert plain(drawn).split("\n")[-1].strip() == "since the account was opened"
    assert any(code in style for style in colours(drawn, text))


def test_each_service_has_its_own_health() -> None:
    shown = panel("Service Health")
    series = [now(shown, ({}, 0.0 if at == 3 else 1.0), query=at)[0] for at in range(len(shown.targets))]
    text = plain(lines(shown, *series, width=90))
    assert re.search(r"cdb_execution +DOWN", text)
    assert text.count("HEALTHY") == len(shown.targets) - 1


@pytest.mark.parametrize(
    ("value", "code"), [(0.0, GREEN), (2.99, GREEN), (3.0, YELLOW), (4.49, YELLOW), (4.5, RED), (7.25, RED)]
)
def test_the_drawdown_takes_the_colour_of_the_threshold_that_it_has_reached(value: float, code: str) -> None:
    shown = panel("Daily Drawdown")
    drawn = lines(shown, *now(shown, ({}, value)))
    assert any(code in style for style in colours(drawn, f"{value:.2f}%"))


@pytest.mark.parametrize(("value", "share"), [(0, 0.0), (25, 0.5), (50, 1.0), (80, 1.0)])
def test_a_gauge_is_filled_as_far_as_its_value_in_its_range(value: float, share: float) -> None:
    shown = panel("Total Exposure")
    text = plain(lines(shown, *now(shown, ({}, value)), width=40))
    assert text.count("█") == round(40 * share)
    assert re.search(r"0% +30% +4?5?%? *50%", text)  # where the zones begin, as far as there is room


def test_a_bar_gauge_keeps_the_order_of_its_queries_and_measures_by_the_largest() -> None:
    shown = panel("Violations by Risk Layer")
    series = [now(shown, ({}, value), query=at)[0] for at, value in enumerate((0.0, 5.0, 0.0, 10.0, 0.0, 1.0))]
    rows = plain(lines(shown, *series)).splitlines()
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    bars = [row.count("█") for row in rows]
    assert bars[3] == max(bars)
    assert bars[1] in {bars[3] // 2, (bars[3] - 1) // 2}
    assert bars[0] == 0


def test_a_pie_is_its_shares_the_largest_first() -> None:
    shown = panel("Order Rejection Reasons")
    series = now(shown, *(({"reason_code": name}, value) for name, value in (("A", 1.0), ("B", 3.0), ("C", 0.0))))
    rows = [row.split() for row in plain(lines(shown, *series)).splitlines()]
    assert [(row[0], *row[-2:]) for row in rows] == [("B", "3", "75%"), ("A", "1", "25%"), ("C", "0", "0%")]


def test_a_pie_of_nothing_but_zeros_is_no_error() -> None:
    shown = panel("Violations by Type")
    text = plain(lines(shown, *now(shown, ({"violation_type": "DRAWDOWN_LIMIT"}, 0.0))))
    assert text.split() == ["DRAWDOWN_LIMIT", text.split()[1], "0", "0%"]


def test_the_table_of_positions_joins_its_queries_and_is_sorted_by_exposure() -> None:
    shown = panel("Position Exposure by Symbol")
    series = [
        *now(shown, ({"symbol": "BTCUSDT"}, 2.5), ({"symbol": "ETHUSDT"}, 10.2), query=0),
        *now(shown, ({"symbol": "BTCUSDT"}, 0.5), ({"symbol": "ETHUSDT"}, 12.0), query=1),
        *now(shown, ({"symbol": "ETHUSDT"}, -7.0), query=2),
    ]
    drawn = lines(shown, *series)
    head, first, second = plain(drawn).splitlines()
    assert head.split() == ["Symbol", "Exposure", "%", "Size", "PnL"]
    assert first.split() == ["ETHUSDT", "10.20%", "12.0000", "-$7.00"]
    assert second.split() == ["BTCUSDT", "2.50%", "0.5000", "not", "enough", "data"]
    assert any(RED in style for style in colours(drawn, "10.20%"))
    assert any(GREEN in style for style in colours(drawn, "2.50%"))


def test_a_table_without_room_says_how_many_rows_are_left_out() -> None:
    shown = panel("Position Exposure by Symbol")
    series = now(shown, *(({"symbol": f"S{at}"}, float(at)) for at in range(9)))
    assert plain(lines(shown, *series, height=5)).splitlines()[-1] == "… 6 more"


def test_a_chart_has_its_threshold_line_and_a_legend_with_the_newest_values() -> None:
    shown = panel("Daily Drawdown History")
    drawn = lines(shown, *over_time(shown, ({}, [0.0, 1.0, 4.0, 2.5])))
    text = plain(drawn)
    assert "┈" * 20 in text
    assert re.search(r"drawdown 2.50%.*limit 5%", text)
    assert any(RED in str(span.style) or "242,73,92" in str(span.style) for line in drawn for span in line.spans)


def test_a_chart_names_each_series_and_draws_each_in_its_own_colour() -> None:
    shown = panel("Signals per Minute")
    runs = [({"symbol": name}, [float(at)] * 20) for at, name in enumerate(("ADAUSDT", "BTCUSDT", "DOTUSDT"))]
    drawn = lines(shown, *over_time(shown, *runs))
    for name in ("ADAUSDT 0", "BTCUSDT 1", "DOTUSDT 2"):
        assert name in plain(drawn)
    assert len({str(span.style) for line in drawn for span in line.spans}) >= 4


def test_a_chart_takes_the_range_that_its_panel_says() -> None:
    shown = panel("Order Approval Rate (%)")
    text = plain(lines(shown, *over_time(shown, ({}, [45.0, 55.0, 50.0]))))
    assert "100%" in text
    assert "\n  0%" in text or " 0%┤" in text


def test_a_chart_leaves_a_gap_where_there_are_no_figures() -> None:
    """A line over an outage would claim that something was measured."""
    shown = panel("Total Exposure History")
    (series,) = over_time(shown, ({}, [40.0] * 120))
    holed = dataclasses.replace(series, points=(*series.points[:30], *series.points[90:]))
    whole, broken = plain(lines(shown, series, width=80)), plain(lines(shown, holed, width=80))
    braille = re.compile(r"[\u2801-\u28ff]")
    assert len(braille.findall(broken)) < 0.7 * len(braille.findall(whole))


@pytest.mark.parametrize("shown", [p for board in BOARDS.values() for p in board.shown], ids=lambda p: p.title)
def test_no_data_is_said_plainly(shown: Panel) -> None:
    says = shown.field_config.defaults.no_value or "No data"
    assert says in plain(lines(shown))
    assert says in plain(lines(shown, *over_time(shown, ({}, [math.nan, math.nan]))))


def test_a_figure_that_does_not_exist_yet_is_no_zero() -> None:
    assert plain(lines(panel("Sharpe Ratio"))).strip() == "not enough data"


@pytest.mark.parametrize("shown", [p for board in BOARDS.values() for p in board.shown], ids=lambda p: p.title)
def test_a_panel_that_failed_says_why_in_its_place(shown: Panel) -> None:
    assert plain(lines(shown, error="bad data: parse error")).split() == ["bad", "data:", "parse", "error"]


@pytest.mark.parametrize("width", [12, 20, 34, 76, 200])
@pytest.mark.parametrize("shown", [p for board in BOARDS.values() for p in board.shown], ids=lambda p: p.title)
def test_no_panel_is_wider_or_taller_than_its_place(shown: Panel, width: int) -> None:
    labels = [{"symbol": f"SYMBOL{at}USDT", "service": f"cdb_{at}", "violation_type": "X" * at} for at in range(8)]
    instant = shown.targets[0].instant
    series = (
        now(shown, *((one, 12_345.678) for one in labels))
        if instant
        else over_time(shown, *((one, [0.0, 1.5, 12_345.678]) for one in labels))
    )
    for height in (3, 5, 9, 30):
        drawn = lines(shown, *series, width=width, height=height)
        assert len(drawn) <= height
        assert max((line.cell_len for line in drawn), default=0) <= width


def test_what_a_label_says_cannot_command_the_terminal() -> None:
    shown = panel("Order Rejection Reasons")
    text = plain(lines(shown, *now(shown, ({"reason_code": "\x1b[2J"}, 1.0))))
    assert "\x1b" not in text
