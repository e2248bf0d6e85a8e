"""On a whole bot that trades, every panel has data and every rule works; what does not is refused by name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cdb.check.findings import Report
from cdb.check.run import Depth, run
from cdb.kit.prometheus import Prometheus
from tests.support.bot import Bot
from tests.support.copies import (
    ACCOUNT,
    ALERTS,
    HEALTH,
    OTHER_METRICS,
    RISK,
    TRADING,
    Change,
    Replaced,
    copy_project,
    query,
)
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

NEED_DAYS: Final = 4
"""Queries for what exists after a day or 20: Sharpe ratio, value at risk, expected shortfall, results of 24 hours."""
NEED_MINUTES: Final = 3
"""Queries for what exists after some minutes: volatility, of all and of one symbol, and the recent win rate."""

NEED_EXCHANGE: Final = 1
"""Queries for what only a live exchange has: its clock."""


@pytest.fixture(scope="module")
def prometheus(whole_demo: Bot) -> Iterator[Prometheus]:
    """The Prometheus of a bot about which, as it is committed, nothing is wrong."""
    with Prometheus(whole_demo.url("prometheus", "")) as server:
        until(
            lambda: run(ROOT, Depth.LIVE, server).findings,
            holds=lambda findings: not findings,
            within_s=150,  # a group of rules that is evaluated every minute has its first turn within one
            every_s=1,
            what="nothing to be wrong",
        )
        yield server


def checked(change: Change, folder: Path, server: Prometheus, depth: Depth) -> Report:
    root = copy_project(folder)
    change(root)
    return run(root, depth, server)


def test_every_panel_has_data_and_every_rule_works(prometheus: Prometheus) -> None:
    """For all symbols and for one of them."""
    report = until(
        lambda: run(ROOT, Depth.LIVE, prometheus),
        holds=lambda now: now.clean and now.looked_at["not enough data"] <= NEED_DAYS + NEED_MINUTES + NEED_EXCHANGE,
        every_s=1,
        within_s=90,
    )
    assert report.looked_at["queries"] > report.looked_at["panels"]
    assert report.looked_at["not enough data"] >= NEED_DAYS + NEED_EXCHANGE


@pytest.mark.usefixtures("prometheus")
def test_what_needs_days_says_so_and_all_else_of_the_account_is_there(whole_demo: Bot) -> None:
    def without_data() -> set[str]:
        shown = json.loads(whole_demo.cdb("dashboard", "account-performance", "--json").stdout)
        return {panel["title"] for panel in shown["panels"] if not (panel.get("rows") or panel.get("values"))}

    needs_days = {"Sharpe Ratio", "Value at Risk", "Expected Shortfall", "Best and Worst Symbols of 24 Hours"}
    until(
        lambda: without_data() - {"Recent Win Rate by Strategy"},
        holds=lambda found: found == needs_days,
        within_s=90,
        every_s=1,
        what="a figure on every panel that does not need days",
    )
    frame = whole_demo.cdb("dashboard", "account-performance", "--once", "--width", "160").stdout
    assert frame.count("not enough data") >= len(needs_days)
    assert "No data" not in frame


def test_the_command_says_that_nothing_is_wrong(whole_demo: Bot, prometheus: Prometheus) -> None:
    assert prometheus.url == whole_demo.url("prometheus", "")
    result = until(
        lambda: whole_demo.cdb("check", "dashboards", "--depth", "live", "--json"),
        holds=lambda run: run.returncode == 0,
        within_s=60,
    )
    said = json.loads(result.stdout)
    assert (said["depth"], said["clean"], said["findings"]) == ("live", True, [])


@pytest.mark.parametrize(
    ("change", "file", "place", "fault"),
    [
        pytest.param(
            query(TRADING, "Orders Approved", "sum(", "sum(1e9 < "),
            TRADING,
            "Trading Overview, panel 'Orders Approved', query A",
            "returns nothing",
            id="a panel whose query is valid but empty",
        ),
        pytest.param(
            query(ACCOUNT, "Distribution of Results", "sum(", "sum(1e9 < "),
            ACCOUNT,
            "Account Performance, panel 'Distribution of Results', query A",
            "returns nothing",
            id="an empty panel of a figure that is always there",
        ),
        pytest.param(
            query(HEALTH, "Redis Memory (MB)", "/ 1e6", "/ sum(redis_up - redis_up)"),
            HEALTH,
            "System Health, panel 'Redis Memory (MB)'",
            "returns no number, only inf",
            id="a panel that divides by zero",
        ),
        pytest.param(
            query(
                RISK,
                "Total Exposure",
                "max(cdb_total_exposure_pct)",
                "max(cdb_total_exposure_pct) and on () (vector(1) > 1)",
            ),
            RISK,
            "Risk & Alerts, panel 'Total Exposure'",
            "returns nothing",
            id="a panel with a condition that never holds",
        ),
        pytest.param(
            Replaced(ALERTS, "cdb_data_staleness_seconds > 30", "cdb_data_staleness_seconds > 40"),
            ALERTS,
            "alert StaleMarketData",
            "another expression is loaded: cdb_data_staleness_seconds > 30",
            id="an alert that was changed since the start",
        ),
        pytest.param(
            Replaced(ALERTS, "name: info", "name: notes"),
            ALERTS,
            "group notes, alert PositivePnLMilestone",
            "is not loaded",
            id="an alert that is not loaded",
        ),
    ],
)
def test_what_is_right_on_paper_but_does_not_work_is_refused(
    change: Change, file: str, place: str, fault: str, tmp_path: Path, prometheus: Prometheus
) -> None:
    report = checked(change, tmp_path, prometheus, Depth.LIVE)
    assert [
        one for one in report.findings if one.file == file and place in one.place and one.fault.startswith(fault)
    ], report


@pytest.mark.parametrize(
    ("old", "new", "place", "fault", "right"),
    [
        pytest.param(
            "pg_stat_database_numbackends: {type: gauge",
            "pg_stat_database_numbackends: {type: counter",
            "pg_stat_database_numbackends",
            "is called a counter, but is shown as a gauge",
            "",
            id="another type",
        ),
        pytest.param(
            "redis_commands_processed_total",
            "redis_commands_procesed_total",
            "panel 'Redis Commands per Second'",
            "has no series of redis_commands_procesed_total",
            "redis_commands_processed_total",
            id="a name that nobody shows",
        ),
    ],
)
def test_what_the_list_of_others_metrics_says_must_be_shown(
    old: str, new: str, place: str, fault: str, right: str, tmp_path: Path, prometheus: Prometheus
) -> None:
    """A mistake in the list would let the same mistake in a dashboard pass."""

    def change(root: Path) -> None:
        Replaced(OTHER_METRICS, old, new)(root)
        if right:
            query(HEALTH, "Redis Commands per Second", right, new)(root)

    report = checked(change, tmp_path, prometheus, Depth.CONTRACT)
    found = [one for one in report.findings if place in one.place and one.fault.endswith(fault)]
    assert found, report
    assert found[0].nearest == right


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('{symbol="A" or symbol="B"}', 'unexpected identifier "or"'),
        ("limitk(1, up)", "is experimental"),
        ("info(up)", 'function "info" is not enabled'),
    ],
)
def test_the_running_prometheus_says_what_is_promql(
    expression: str, why: str, tmp_path: Path, prometheus: Prometheus
) -> None:
    change = query(RISK, "Circuit Breaker", "max(cdb_circuit_breaker_active)", expression)
    report = checked(change, tmp_path, prometheus, Depth.CONTRACT)
    assert report.grammar == f"Prometheus {prometheus.version()}"
    about = [one.fault for one in report.findings if one.fault.startswith(f"is not PromQL for {report.grammar}")]
    assert len(about) == 1, report
    assert why in about[0]


def test_a_label_that_is_listed_but_not_shown_is_refused(tmp_path: Path, prometheus: Prometheus) -> None:
    def change(root: Path) -> None:
        Replaced(OTHER_METRICS, "redis_up: {type: gauge", "redis_up: {labels: [server], type: gauge")(root)
        query(HEALTH, "Service Health", "redis_up", 'redis_up{server!="x"}')(root)

    report = checked(change, tmp_path, prometheus, Depth.CONTRACT)
    assert any(one.fault.endswith("has no redis_up with the label server") for one in report.findings), report


def test_where_nothing_runs_the_command_says_how_to_start_it(whole_demo: Bot) -> None:
    result = whole_demo.cdb("check", "dashboards", "--depth", "contract", "--prometheus", "http://127.0.0.1:1/nothing")
    assert result.returncode == 3
    assert result.stderr.count("\n") == 1
    assert "does not answer" in result.stderr
    assert "`cdb up` starts the stack" in result.stderr
