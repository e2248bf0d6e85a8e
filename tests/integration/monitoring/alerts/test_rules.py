"""What every alert carries. Whether all it asks for and leads to exists, tests/unit/cdb/check knows."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services.risk.limits import Limits
from tests.integration.monitoring.alerts.promtool import RULES, alerts
from tests.support.paths import ROOT

RUNBOOKS: Final = ROOT / "monitoring" / "runbooks"
CONSOLE: Final = "http://localhost:8010/d/"
SECTIONS: Final = ("What it means", "First look", "Likely causes", "What to do", "Try it out")

IN_FORCE: Final = "limit:cdb_risk_limit_pct:in_force"


LIMIT: Final = f"> on () group_left () {IN_FORCE}{{limit="
WARNING: Final = f"> on () group_left () (0.9 * {IN_FORCE}{{limit="
"""Thresholds that follow a limit; that they are the fixed ones by default is tested with promtool."""


CASES: Final = (
    # alert, severity, component, for, expression's threshold: what the contract of names fixes
    (
        "DailyDrawdownLimitExceeded",
        "critical",
        "risk_engine",
        "1m",
        f'cdb_daily_drawdown_pct {LIMIT}"daily_drawdown"',
    ),
    ("CircuitBreakerActivated", "critical", "risk_engine", "30s", "cdb_circuit_breaker_active == 1"),
    ("ServiceDown", "critical", "{{ $labels.service }}", "1m", "max_over_time(cdb_health_status[30s]) == 0"),
    ("HighErrorRate", "warning", "system", "5m", "> 0.1"),
    ("StaleMarketData", "warning", "market_data", "1m", "cdb_data_staleness_seconds > 30"),
    (
        "ExposureLimitApproaching",
        "warning",
        "risk_engine",
        "5m",
        f'cdb_total_exposure_pct {WARNING}"exposure"',
    ),
    ("PositionSizeViolation", "warning", "risk_engine", "2m", f'cdb_position_exposure_pct {LIMIT}"position"'),
    ("HighEventProcessingLatency", "warning", "{{ $labels.service }}", "5m", "> 1.0"),
    ("DatabaseConnectionFailures", "critical", "database", "1m", "absent(pg_up)"),
    ("RedisUnavailable", "critical", "message_bus", "1m", "absent(redis_up)"),
    ("PositivePnLMilestone", "info", "trading", None, "cdb_cumulative_pnl_usd > 1000"),
    ("LowWinRate", "warning", "trading", "15m", "cdb_strategy_recent_win_rate_pct) < 40"),
)


@pytest.mark.parametrize(("alert", "severity", "component", "wait", "condition"), CASES, ids=[one[0] for one in CASES])
def test_severity_component_duration_and_threshold_are_the_fixed_ones(
    alert: str, severity: str, component: str, wait: str | None, condition: str
) -> None:
    rule = alerts()[alert]
    assert rule["labels"] == {"severity": severity, "component": component}
    assert rule.get("for") == wait
    assert condition in rule["expr"]


def test_without_a_word_of_cdb_risk_the_limits_are_its_defaults() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"] if rule.get("record") == IN_FORCE]
    fallbacks = re.findall(r'vector\(([\d.]+)\), "limit", "(\w+)"', rule["expr"])
    defaults = Limits()
    assert {name: float(percent) for percent, name in fallbacks} == {
        "daily_drawdown": 100 * float(defaults.max_daily_drawdown),
        "position": 100 * float(defaults.max_position),
        "exposure": 100 * float(defaults.max_exposure),
    }


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_has_all_that_its_reader_needs(alert: str) -> None:
    rule: dict[str, Any] = alerts()[alert]
    assert set(rule["labels"]) == {"severity", "component"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert annotations["dashboard_url"].startswith(CONSOLE)
    for text in annotations.values():
        assert text == " ".join(text.split()), "one line, or a notification is torn apart"


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_has_a_runbook_with_all_sections(alert: str) -> None:
    text = (ROOT / alerts()[alert]["annotations"]["runbook_url"]).read_text(encoding="utf-8")
    assert text.startswith(f"# {alert}\n")
    assert tuple(re.findall(r"^## (.+)$", text, flags=re.MULTILINE)) == SECTIONS


def test_the_rules_are_also_where_the_handbook_has_them() -> None:
    assert (ROOT / "monitoring" / "prometheus" / "alerts.yml").readlink() == Path("rules", RULES.name)


def test_no_runbook_is_without_its_alert() -> None:
    assert {file.stem for file in RUNBOOKS.iterdir()} == set(alerts())
