"""A rule that is changed where it matters does not get past the cases."""

from pathlib import Path
from typing import Final

import pytest

from tests.integration.monitoring.alerts.cases_market import VOLATILITY, VOLUME
from tests.integration.monitoring.alerts.cases_trading import ALERTS_ON_LIMITS
from tests.integration.monitoring.alerts.promtool import RULES, outcome
from tests.integration.monitoring.alerts.test_alerts import CASES
from tests.integration.monitoring.alerts.test_rules import IN_FORCE

pytestmark = pytest.mark.integration

CHANGES = (
    # alert, what is there, what is put in its place
    ("DailyDrawdownLimitExceeded", "cdb_daily_drawdown_pct > on", "cdb_daily_drawdown_pct >= on"),
    ("DailyDrawdownLimitExceeded", "cdb_daily_drawdown_pct > on", "cdb_daily_drawdown_pct * 100 > on"),
    ("DailyDrawdownLimitExceeded", f'on () group_left () {IN_FORCE}{{limit="daily_drawdown"}}', "5.0"),
    ("DailyDrawdownLimitExceeded", " group_left ()", ""),
    ("DailyDrawdownLimitExceeded", "        for: 1m\n        keep_firing_for: 5m\n", "        for: 1m\n"),
    ("CircuitBreakerActivated", "        for: 30s\n        keep_firing_for: 5m\n", "        for: 30s\n"),
    ("CircuitBreakerActivated", "for: 30s", "for: 15s"),
    ("CircuitBreakerActivated", "cdb_circuit_breaker_active == 1", "cdb_circuit_breaker_active >= 0"),
    ("ServiceDown", "or min by (service) (max_over_time(cdb_health_status[30s]) == 0)", ""),
    (
        "ServiceDown",
        "min by (service) (max_over_time(cdb_health_status[30s]) == 0)",
        "max_over_time(cdb_health_status[30s]) == 0",
    ),
    ("ServiceDown", "max_over_time(cdb_health_status[30s])", "cdb_health_status"),
    ("ServiceDown", "        keep_firing_for: 1m\n", ""),
    ("ServiceDown", ")) == 0) + 1", ")) == 2) + 1"),
    ("ServiceDown", "(_standby)?", ""),
    ("ServiceDown", "(max by (service)", "(min by (service)"),
    ("ServiceWithoutStandby", " == 0, ", " >= 0, "),
    ("ServiceWithoutStandby", " on (service)", ""),
    ("ServiceWithoutStandby", 'up{job="cdb_services"} == 1', 'up{job="cdb_services"}'),
    ("ServiceMetricsMissing", "(_standby)?", ""),
    ("ServiceDown", 'or absent(up{job="cdb_services", instance="cdb_core:8001"})', ""),
    ("ServiceDown", 'label_replace(up{job="cdb_services"}', "label_replace(up"),
    ("HighErrorRate", " or vector(0))\n          + ", ")\n          + "),
    (
        "HighErrorRate",
        "(sum(rate(cdb_execution_errors_total[5m])) or vector(0))",
        "sum(rate(cdb_execution_errors_total[5m]))",
    ),
    ("HighErrorRate", "> 0.1", "> 0.09"),
    ("StaleMarketData", "> 30", ">= 30"),
    ("ExposureLimitApproaching", "_pct > on", "_pct >= on"),
    ("ExposureLimitApproaching", "(0.9 *", "(0.009 *"),
    ("ExposureLimitApproaching", "(0.9 *", "(0.91 *"),
    ("ExposureLimitApproaching", f'on () group_left () (0.9 * {IN_FORCE}{{limit="exposure"}})', "45.0"),
    ("PositionSizeViolation", "for: 2m", "for: 1m"),
    ("PositionSizeViolation", "_pct > on", "_pct >= on"),
    ("PositionSizeViolation", '"position"', '"exposure"'),
    ("HighEventProcessingLatency", "sum by (service, le)", "sum by (service, event_type, le)"),
    ("HighEventProcessingLatency", "> 1.0", "> 0.9"),
    ("DatabaseConnectionFailures", "min(pg_up) == 0 or absent(pg_up)", "pg_up == 0 or absent(pg_up)"),
    ("DatabaseConnectionFailures", " or absent(pg_up)", ""),
    ("DatabaseConnectionFailures", "keep_firing_for: 2m", "keep_firing_for: 1m"),
    ("RedisUnavailable", " or absent(redis_up)", ""),
    ("RedisUnavailable", "        keep_firing_for: 2m\n", ""),
    ("RedisUnavailable", "component: message_bus", "component: redis"),
    ("ClockSkew", "offset_seconds) > 2", "offset_seconds) >= 2"),
    ("ClockSkew", "offset_seconds) < -2", "offset_seconds) < -3"),
    ("ClockSkew", "max by (instance)", "max"),
    ("FeedReconnecting", ">= 5", ">= 4"),
    ("FeedReconnecting", ">= 5", ">= 6"),
    ("FeedReconnecting", "and sum(increase(cdb_websocket_reconnects_total[5m])) > 0\n", "\n"),
    ("FeedReconnecting", "and sum(increase(cdb_websocket_reconnects_total[5m] offset 5m)) > 0", ""),
    ("FeedGapNotFilled", '{result="not_filled"}[10m]', "[10m]"),
    ("FeedGapNotFilled", '{result="not_filled"}[10m]', '{result="not_filled"}[5m]'),
    ("FeedGapNotFilled", "(instance) time() - process_start_time_seconds", "(instance) process_start_time_seconds"),
    ("FeedGapNotFilled", "and on (instance)", "and on ()"),
    ("FeedGapNotFilled", '_seconds{job="cdb_services"} < 600', '_seconds{job="cdb_services"} < 60'),
    ("FeedGapNotFilled", "sum by (source)", "sum"),
    ("FeedGapNotFilled", "        for: 30s\n", ""),
    ("SymbolNotTraded", "== 0", "== 1"),
    ("SymbolNotTraded", "min by (symbol)", "min"),
    ("SymbolNotTraded", "for: 1m", "for: 2m"),
    ("ExchangeClockSkew", "skew_seconds) > 1", "skew_seconds) >= 1"),
    ("ExchangeClockSkew", "skew_seconds) < -1", "skew_seconds) < -2"),
    ("ExchangeClockSkew", "skew_seconds) < -1", "skew_seconds) <= -1"),
    ("ExchangeClockSkew", "max by (source)", "max"),
    ("ExchangeClockSkew", "for: 3m", "for: 2m"),
    ("ExchangeClockSkew", "for: 3m", "for: 45s"),
    ("PositivePnLMilestone", "> 1000", ">= 1000"),
    ("TradingStandsStill", "0.5 * (sum(increase(cdb_risk_violations_total[10m])) + sum", "0.5 * (sum"),
    ("TradingStandsStill", '"STALE_MARKET_DATA"}[10m])) >= 5', '"STALE_MARKET_DATA"}[10m])) >= 4'),
    ("TradingStandsStill", '|DRAWDOWN_LIMIT"}[25m])) >= 5', '|DRAWDOWN_LIMIT"}[25m])) >= 4'),
    ("TradingStandsStill", "0.5 *", "0.0 *"),
    ("TradingStandsStill", "0.9 *", "0.5 *"),
    ("TradingStandsStill", "0.9 *", "1 *"),
    ("TradingStandsStill", 'unless on () sum(increase(cdb_trades_executed_total{side="BUY"}[25m])) > 0', ""),
    ("TradingStandsStill", 'cdb_trades_executed_total{side="BUY"}', "cdb_trades_executed_total"),
    ("TradingStandsStill", 'cdb_trades_executed_total{side="BUY"}', "cdb_orders_approved_total"),
    ("TradingStandsStill", 'cdb_trades_executed_total{side="BUY"}[25m]', 'cdb_trades_executed_total{side="BUY"}[5m]'),
    ("TradingStandsStill", "CIRCUIT_BREAKER_ACTIVE|DRAWDOWN_LIMIT", "DRAWDOWN_LIMIT"),
    ("TradingStandsStill", "and on (violation_type) increase(cdb_risk_violations_total[10m]) > 0", ""),
    ("TradingStandsStill", "and on (violation_type) increase(cdb_risk_violations_total[10m] offset 25m) > 0", ""),
    ("TradingStandsStill", "and sum(increase(cdb_market_data_events_received_total[5m] offset 5m)) > 0", ""),
    ("TradingStandsStill", "sum(increase(cdb_market_data_events_received_total[5m])) > 0\n", "vector(1)\n"),
    ("TradingStandsStill", " > 1.1", " > 1"),
    ("TradingStandsStill", "_evaluated_total[10m])) or vector(0)", "_evaluated_total[10m]))"),
    ("TradingStandsStill", "cdb_signals_generated_total[10m]", "cdb_signals_generated_total[5m]"),
    ("TradingStandsStill", "for: 5m", "for: 4m"),
    ("HighVolatilityDetected", "usual > 2", "usual > 2.1"),
    ("HighVolatilityDetected", "usual > 2", "usual >= 2"),
    ("HighVolatilityDetected", "and on (symbol) symbol:cdb_market_volume_usd:rate2m offset 5m", ""),
    ("HighVolatilityDetected", "for: 1m", "for: 45s"),
    ("HighVolatilityDetected", "        keep_firing_for: 5m\n", ""),
    ("UnusualTradingVolume", "usual > 3", "usual > 2.8"),
    ("UnusualTradingVolume", "usual > 3", "usual > 3.4"),
    ("UnusualTradingVolume", "and on (symbol) symbol:cdb_market_volume_usd:rate2m offset 5m", ""),
    ("UnusualTradingVolume", "for: 2m", "for: 1m"),
    ("UnusualTradingVolume", "        keep_firing_for: 5m\n", ""),
    ("LowWinRate", "< 40", "<= 40"),
    ("LowWinRate", "max by (strategy)", "max"),
    ("LowWinRate", "cdb_strategy_recent_win_rate_pct", "cdb_strategy_win_rate_pct"),
    ("LowWinRate", "for: 15m", "for: 10m"),
    ("LowWinRate", "        keep_firing_for: 5m\n", ""),
    ("LowWinRate", "and on (strategy) last_over_time(cdb_signals_generated_total[1h])", ""),
    ("PositionWithoutPrice", "for: 2m", "for: 1m"),
    ("PositionWithoutPrice", " unless on () max(cdb_data_staleness_seconds) > 30", ""),
    ("CollectorDown", "min(up{", "max(up{"),
    ("CollectorDown", "        keep_firing_for: 1m\n", ""),
    ("CollectorDown", "max(absent(up{job", "max(absent(up{jobs"),
    ("ServiceMetricsMissing", "== 1,", "== 0,"),
    ("ServiceMetricsMissing", " on (service)", ""),
    ("TelemetryExportsFailing", "[10m])) > 0", "[10m])) > 5"),
    ("TelemetryValuesRefused", "[1h] offset 10m", "[1h] offset 1m"),
    ("TelemetryLabelOverflow", "unless max_over_time(cdb_telemetry_label_overflow_total[1h] offset 10m)", ""),
    ("CollectorPointsFiltered", "increase(otelcol_processor_filter_datapoints_filtered[10m]) > 0\n            or ", ""),
    ("CollectorRefusesData", '"metric points"', '"spans"'),
    ("CollectorExportsFailing", "unless max_over_time(otelcol_exporter_send_failed_spans[1h] offset 10m)", ""),
    ("JaegerDown", ' or max(absent(up{job="jaeger"}))', ""),
    ("JaegerDown", "for: 1m", "for: 45s"),
    ("TraceQueueFilling", "> 0.5", ">= 0.5"),
    ("TraceQueueFilling", "for: 1m", "for: 30s"),
    ("TracesLost", "unless max_over_time(otelcol_exporter_enqueue_failed_spans[1h] offset 10m)", ""),
    ("TracesUnjudged", "[10m]) > 0", "[10m]) > 5"),
    ("TracesOverLimit", '{policy="over_limit", sampled="true"}[10m]', "[10m]"),
    ("TraceStorageLarge", "> 4e9", ">= 4e9"),
    ("CollectorRejectsRequests", '{rpc_response_status_code!="OK"}', ""),
)


LIMITS: Final = (
    # what is there, what is put in its place
    ("last_over_time(cdb_risk_limit_pct[1d]) > 0", "last_over_time(cdb_risk_limit_pct[1d])"),
    ("last_over_time(cdb_risk_limit_pct[1d]) > 0", "cdb_risk_limit_pct > 0"),
    ("min by (limit) (last_over_time(cdb_risk_limit_pct[1d]) > 0)\n          or ", ""),
    ("vector(5.0)", "vector(4.0)"),
    ('or label_replace(vector(10.0), "limit", "position", "", "")', ""),
    ("vector(50.0)", "vector(0.5)"),
)


USUAL: Final = (
    # what is there, what is put in its place, a case that finds it
    (
        "0.95, symbol:cdb_market_volatility_pct",
        "0.99, symbol:cdb_market_volatility_pct",
        "an event of 10 minutes does not hide the next one",
    ),
    (
        "0.95, symbol:cdb_market_volatility_pct",
        "0.9, symbol:cdb_market_volatility_pct",
        "what happens for a tenth of the time is usual",
    ),
    (
        "volatility_pct:max[6h] offset 15m), 0.05",
        "volatility_pct:max[6h]), 0.05",
        "an event does not raise its own measure; one that lasts becomes usual",
    ),
    ("[6h] offset 15m), 0.05", "[6h] offset 15m), 0.04", "a quiet market's first bump is none"),
    ("[6h] offset 15m), 70", "[6h] offset 15m), 60", "a sleepy market's first bump is none"),
    (
        "volatility_pct:max[6h] offset 15m) >= 480",
        "volatility_pct:max[6h] offset 15m) >= 240",
        "with less than 2 hours of history nothing is unusual",
    ),
    (
        "volume_usd:rate2m[6h] offset 15m) >= 480",
        "volume_usd:rate2m[6h] offset 15m) >= 240",
        "with less than 2 hours of history nothing is unusual",
    ),
    ("[2m])) > 0", "[2m])) >= 0", "what comes at once after 20 minutes without the bus is none"),
    ("cdb_market_volume_usd_total[2m]", "cdb_market_volume_usd_total[5m]", "one large trade is not unusual"),
)


@pytest.mark.parametrize(("right", "wrong", "rule"), USUAL)
def test_another_idea_of_what_is_usual_is_found(right: str, wrong: str, rule: str, tmp_path: Path) -> None:
    text = RULES.read_text(encoding="utf-8")
    assert text.count(right) == 1
    changed = tmp_path / "alerts.yml"
    changed.write_text(text.replace(right, wrong), encoding="utf-8")
    found, said = outcome([case for case in (*VOLATILITY, *VOLUME) if case.rule == rule], tmp_path, changed)
    assert not found
    assert "FAILED" in said, said


@pytest.mark.parametrize(("right", "wrong"), LIMITS)
def test_changed_limits_are_found(right: str, wrong: str, tmp_path: Path) -> None:
    text = RULES.read_text(encoding="utf-8")
    assert text.count(right) == 1
    changed = tmp_path / "alerts.yml"
    changed.write_text(text.replace(right, wrong), encoding="utf-8")
    found, said = outcome([case for case in CASES if case.alert in ALERTS_ON_LIMITS], tmp_path, changed)
    assert not found
    assert "FAILED" in said, said


def rule_of(alert: str) -> str:
    """The text of one rule."""
    text = RULES.read_text(encoding="utf-8")
    begin = text.index(f"      - alert: {alert}\n")
    return text[begin : text.index("dashboard_url:", begin)]


@pytest.mark.parametrize(("alert", "right", "wrong"), CHANGES, ids=[f"{one[0]}: {one[2]!r:.60}" for one in CHANGES])
def test_a_changed_rule_is_found(alert: str, right: str, wrong: str, tmp_path: Path) -> None:
    rule = rule_of(alert)
    assert right in rule
    changed = tmp_path / "alerts.yml"
    changed.write_text(RULES.read_text(encoding="utf-8").replace(rule, rule.replace(right, wrong)), encoding="utf-8")
    cases = (outcome([case], tmp_path, changed) for case in CASES if case.alert == alert)
    said = next((said for right, said in cases if not right), "no case finds it")
    assert "FAILED" in said, said
