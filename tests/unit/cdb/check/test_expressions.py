"""What is right is not refused, whatever it looks like; and what an expression returns is known."""

from typing import Final

import pytest

from cdb.check.expressions import read
from cdb.check.known_metrics import load
from cdb.check.units import Unit
from telemetry.contract import load_contract
from tests.support.paths import ROOT

KNOWN: Final = load(ROOT, load_contract())

RIGHT: Final = (
    "sum(rate(cdb_signal_errors_total[5m])) + sum(rate(cdb_execution_errors_total[5m]))",
    "sum without (instance) (cdb_orders_rejected_total) > 5",
    "sum by (symbol) (cdb_orders_approved_total) / on (symbol) sum by (symbol) (cdb_signals_evaluated_total)",
    "cdb_orders_rejected_total * on (symbol) group_left (side) sum by (symbol, side) (cdb_trades_executed_total)",
    "max_over_time(rate(cdb_orders_approved_total[5m])[1h:1m])",
    "histogram_quantile(0.95, rate(cdb_risk_decision_duration_seconds_bucket[5m])) * 1000 > 50",
    "delta(cdb_cumulative_pnl_usd[1h]) < -100",
    "-cdb_cumulative_pnl_usd > 5 * 100",
    "absent(up{job='postgres'}) == 1",
    'cdb_risk_violations_total{layer=~"1|2", violation_type!="DRAWDOWN_LIMIT"}',
    'cdb_risk_violations_total{violation_type="other"}',
    'cdb_health_status{service=~"cdb_.*"} == 0',
    '{__name__=~"cdb_.*"}',
    '{__name__="up", job="redis"}',
    'count_values("value", cdb_health_status)',
    "topk(3, cdb_position_exposure_pct) and on (symbol) cdb_open_positions == 1",
    "time() - process_start_time_seconds > 3600",
    'label_join(up, "place", "/", "job", "instance")',
    "cdb_total_exposure_pct / 100 > 0.45",
    "cdb_daily_drawdown_pct == 0",
    "quantile(0.9, cdb_total_exposure_pct) > 40",
    "prometheus_engine_query_duration_seconds{quantile='0.9'} > 1",
    "changes(cdb_circuit_breaker_active[1h]) > 2",
    'max(cdb_total_exposure_pct) > 0.9 * max(cdb_risk_limit_pct{limit="exposure"})',
)


@pytest.mark.parametrize("expression", RIGHT)
def test_what_is_right_is_not_refused(expression: str) -> None:
    assert read(expression, KNOWN).faults == []


WRONG: Final = (
    ("cdb_position_exposure_pct * on (symbol) group_left (side) cdb_open_positions", "has no label side"),
    ("sum(cdb_open_positions) and cdb_health_status", "no series on the two sides of and can meet"),
    ("cdb_signals_evaluated_total unless on (service) cdb_health_status", "has no label service"),
    ('cdb_health_status{service="cdb_ws"} and on (service) cdb_health_status{service="cdb_core"}', "service is cdb_ws"),
    ('cdb_risk_violations_total{violation_type="DRAWDOWN_LIMIT", layer="6"}', "has no series with"),
    ('up{job="redis", instance="cdb_ws:8000"}', "has no series with"),
    ('cdb_health_status{service=~"cdb_ws|cdb_cor"}', "has no service='cdb_cor'"),
    ('cdb_health_status{service=~"core.*"}', "no service of cdb_health_status is like 'core.*'"),
    ('{__name__=~"cbd_.*"}', "no metric is like cbd_.*"),
    ("cdb_daily_drawdown_pct + sum without (source) (cdb_data_staleness_seconds)", "+ of percent (100 is all) and s"),
    ("histogram_quantile(0.5, rate(cdb_orders_approved_total[5m]))", "what it is given has no buckets"),
    ("rate(cdb_trade_pnl_usd_sum[5m])", "cdb_trade_pnl_usd_sum is a gauge and has no rate"),
    ("0.05 < cdb_daily_drawdown_pct", "compared with 0.05"),
)


@pytest.mark.parametrize(("expression", "fault"), WRONG)
def test_what_is_wrong_is_said_in_one_line(expression: str, fault: str) -> None:
    faults = read(expression, KNOWN).faults
    assert len(faults) == 1, faults
    assert fault in faults[0].text


@pytest.mark.parametrize(
    ("expression", "labels", "unit"),
    [
        ("cdb_daily_drawdown_pct", {"job", "instance"}, Unit("ratio", 100)),
        ("sum by (symbol) (rate(cdb_orders_approved_total[5m])) * 60", {"symbol"}, Unit("count/s", 60)),
        ("100 * sum(cdb_orders_approved_total) / sum(cdb_signals_evaluated_total)", set(), Unit("ratio", 100)),
        (
            "histogram_quantile(0.5, sum by (le) (rate(cdb_risk_decision_duration_seconds_bucket[5m])))",
            set(),
            Unit("s"),
        ),
        ("rate(process_cpu_seconds_total[5m])", {"job", "instance"}, Unit("ratio")),
        ("redis_memory_used_bytes / redis_memory_max_bytes", {"job", "instance"}, Unit("ratio")),
        ('label_replace(up, "service", "$1", "instance", "(.+):.+")', {"job", "instance", "service"}, None),
    ],
)
def test_labels_and_unit_of_what_an_expression_returns_are_known(
    expression: str, labels: set[str], unit: Unit | None
) -> None:
    shape = read(expression, KNOWN).shape
    assert (set(shape.labels), shape.unit) == (labels, unit)
