"""What every alert carries, whether its runbook is there, and whether all it asks for exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from telemetry.contract import load_contract
from tests.alerts.promtool import alerts
from tests.servers import ROOT

RUNBOOKS: Final = ROOT / "monitoring" / "runbooks"
DASHBOARDS: Final = ("cdb-trading-overview", "cdb-risk-alerts", "cdb-system-health")
GRAFANA: Final = "http://localhost:3000/d/"
SECTIONS: Final = ("What it means", "First look", "Likely causes", "What to do", "Try it out")

# What this project does not make, with its type and the labels it has beside job and instance.
FOREIGN: Final = {
    "up": ("gauge", ()),
    "pg_up": ("gauge", ()),
    "redis_up": ("gauge", ()),
    "otelcol_processor_filter_datapoints_filtered": ("counter", ("filter",)),
    "otelcol_receiver_refused_metric_points": ("counter", ("receiver", "transport")),
    "otelcol_receiver_refused_spans": ("counter", ("receiver", "transport")),
    "otelcol_exporter_send_failed_metric_points": ("counter", ("exporter",)),
    "otelcol_exporter_send_failed_spans": ("counter", ("exporter",)),
    "otelcol_exporter_enqueue_failed_spans": ("counter", ("exporter",)),
    "otelcol_exporter_queue_size": ("gauge", ("data_type", "exporter")),
    "otelcol_exporter_queue_capacity": ("gauge", ("data_type", "exporter")),
    "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early": ("counter", ()),
    "otelcol_processor_tail_sampling_count_traces_sampled": ("counter", ("decision", "policy", "sampled")),
    "traces_span_metrics_calls_total": ("counter", ("service_name", "span_name", "status_code")),
    "traces_span_metrics_duration_seconds_bucket": ("counter", ("le", "service_name", "span_name", "status_code")),
    "jaeger_storage_badger_size_bytes_lsm": ("gauge", ("kind", "name", "role")),
    "rpc_server_call_duration_count": ("counter", ("rpc_method", "rpc_response_status_code", "rpc_system_name")),
    "http_server_request_duration_count": ("counter", ("http_request_method", "http_response_status_code")),
}
NOT_METRICS: Final = frozenset({"and", "bool", "by", "ignoring", "offset", "on", "or", "unless", "without"}) | {
    *("absent", "avg_over_time", "histogram_quantile", "increase", "label_replace", "max", "max_over_time", "min"),
    *("min_over_time", "rate", "sum", "topk", "vector"),
}

CASES: Final = (
    # alert, severity, component, for, expression's threshold: what the contract of names fixes
    ("DailyDrawdownLimitExceeded", "critical", "risk_engine", "1m", "cdb_daily_drawdown_pct > 5.0"),
    ("CircuitBreakerActivated", "critical", "risk_engine", "30s", "cdb_circuit_breaker_active == 1"),
    ("ServiceDown", "critical", "{{ $labels.service }}", "1m", "cdb_health_status == 0"),
    ("HighErrorRate", "warning", "system", "5m", "> 0.1"),
    ("StaleMarketData", "warning", "market_data", "1m", "cdb_data_staleness_seconds > 30"),
    ("ExposureLimitApproaching", "warning", "risk_engine", "5m", "cdb_total_exposure_pct > 45.0"),
    ("PositionSizeViolation", "warning", "risk_engine", "2m", "cdb_position_exposure_pct > 10.0"),
    ("HighEventProcessingLatency", "warning", "{{ $labels.service }}", "5m", "> 1.0"),
    ("DatabaseConnectionFailures", "critical", "database", "1m", "absent(pg_up)"),
    ("RedisUnavailable", "critical", "message_bus", "1m", "absent(redis_up)"),
    ("PositivePnLMilestone", "info", "trading", None, "cdb_cumulative_pnl_usd > 1000"),
)


def known() -> dict[str, tuple[str, set[str]]]:
    """Return type and labels of every name that an expression may ask for."""
    found = {name: (kind, {*labels, "job", "instance"}) for name, (kind, labels) in FOREIGN.items()}
    for metric in load_contract().metrics:
        labels = {*metric.labels, "job", "instance"}
        if metric.type == "histogram":
            found[f"{metric.prometheus}_bucket"] = ("counter", labels | {"le"})
            found[f"{metric.prometheus}_count"] = ("counter", labels)
            found[f"{metric.prometheus}_sum"] = ("gauge" if min(metric.buckets) < 0 else "counter", labels)
        else:
            found[metric.prometheus] = (metric.type, labels)
    return found


def faults(expression: str) -> Iterator[str]:
    """Yield what *expression* asks for that is not there, and each rate of what is no counter."""
    metrics = known()
    added = set(re.findall(r'"(\w+)", "[^"]*", "\w*", "[^"]*"\)', expression))
    bare = re.sub(r'"[^"]*"', '""', expression)
    selectors = re.findall(r"([a-z_]\w*)\{([^}]*)\}", bare)
    grouped = re.findall(r"\b(?:by|on|ignoring|without) \(([^)]*)\)", bare)
    without = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|ignoring|without) \([^)]*\)|offset \w+", "", bare)
    names = set(re.findall(r"\b[a-z_]\w*", without)) - NOT_METRICS
    labels = added.union(*(metrics[name][1] for name in names if name in metrics))
    yield from (f"no metric {name}" for name in sorted(names - metrics.keys()))
    for name, matchers in selectors:
        asked = set(re.findall(r"(\w+)\s*[=!]", matchers))
        yield from (f"{name} has no label {label}" for label in sorted(asked - metrics.get(name, ("", asked))[1]))
    for group in grouped:
        asked = {label.strip() for label in group.split(",")}
        yield from (f"no metric here has a label {label}" for label in sorted(asked - labels))
    for name in re.findall(r"\b(?:rate|increase|irate)\(\s*([a-z_]\w*)", bare):
        if metrics.get(name, ("counter",))[0] != "counter":
            yield f"{name} is a gauge and has no rate"


@pytest.mark.parametrize(("alert", "severity", "component", "wait", "condition"), CASES, ids=[one[0] for one in CASES])
def test_severity_component_duration_and_threshold_are_the_fixed_ones(
    alert: str, severity: str, component: str, wait: str | None, condition: str
) -> None:
    rule = alerts()[alert]
    assert rule["labels"] == {"severity": severity, "component": component}
    assert rule.get("for") == wait
    assert condition in rule["expr"]


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_has_all_that_its_reader_needs(alert: str) -> None:
    rule: dict[str, Any] = alerts()[alert]
    assert set(rule["labels"]) == {"severity", "component"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert annotations["runbook_url"] == f"monitoring/runbooks/{alert}.md"
    assert annotations["dashboard_url"].removeprefix(GRAFANA) in DASHBOARDS
    for text in annotations.values():
        assert text == " ".join(text.split()), "one line, or a notification is torn apart"


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_has_a_runbook_with_all_sections(alert: str) -> None:
    text = (ROOT / alerts()[alert]["annotations"]["runbook_url"]).read_text(encoding="utf-8")
    assert text.startswith(f"# {alert}\n")
    assert tuple(re.findall(r"^## (.+)$", text, flags=re.MULTILINE)) == SECTIONS


def test_no_runbook_is_without_its_alert() -> None:
    assert {file.stem for file in RUNBOOKS.iterdir()} == set(alerts())


@pytest.mark.parametrize("alert", alerts())
def test_everything_that_an_alert_asks_for_exists(alert: str) -> None:
    assert list(faults(alerts()[alert]["expr"])) == []


@pytest.mark.parametrize("file", sorted(RUNBOOKS.glob("*.md")), ids=lambda file: file.stem)
def test_every_query_in_a_runbook_asks_for_what_exists(file: Path) -> None:
    for query in re.findall(r"^```promql\n(.+?)^```", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL):
        for line in query.strip().splitlines():
            assert list(faults(line)) == [], line


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("cdb_daily_drawdown > 5", "no metric cdb_daily_drawdown"),
        ('up{service="cdb_ws"} == 0', "up has no label service"),
        ("sum by (sevice) (cdb_health_status)", "no metric here has a label sevice"),
        ("rate(cdb_daily_drawdown_pct[5m]) > 0", "cdb_daily_drawdown_pct is a gauge and has no rate"),
        ("cdb_trade_pnl_usd > 0", "no metric cdb_trade_pnl_usd"),
        ("rate(cdb_trade_pnl_usd_sum[5m])", "cdb_trade_pnl_usd_sum is a gauge and has no rate"),
    ],
)
def test_what_does_not_exist_is_found(expression: str, fault: str) -> None:
    """So that finding nothing means something."""
    assert list(faults(expression)) == [fault]
