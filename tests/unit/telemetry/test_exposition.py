"""A service's own /metrics shows the contract's names, types, help, labels and buckets."""

import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from telemetry.contract import load_contract
from tests.unit.telemetry.isolated import Isolated, isolated


def test_every_metric_is_shown_as_the_contract_has_it() -> None:
    contract = load_contract()
    with isolated(service=None) as box:
        for metric in contract.metrics:
            first = tuple((metric.values[label] or ("BTCUSDT",))[0] for label in metric.labels)
            handle = getattr(box.recorder, metric.type)(metric.prometheus).bind(first)
            getattr(handle, {"counter": "inc", "gauge": "set", "histogram": "observe"}[metric.type])(1)
        shown = {family.name: family for family in text_string_to_metric_families(box.page())}
    for metric in contract.metrics:
        family = shown[metric.prometheus.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type, metric.brief)
        suffixes = ("_bucket", "_count", "_sum") if metric.type == "histogram" else ("",)
        assert {sample.name for sample in family.samples} == {metric.prometheus + suffix for suffix in suffixes}
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels)
        if metric.type == "histogram":
            edges = [float(sample.labels["le"]) for sample in family.samples if sample.name.endswith("_bucket")]
            assert edges[: len(metric.buckets) + 1] == [*metric.buckets, float("inf")]


def test_what_is_absent_without_a_value_is_shown_with_it_and_gone_without_it_again() -> None:
    with isolated(service="cdb_risk") as box:
        gauge = box.recorder.gauge("cdb_sharpe_ratio_30d").only()
        pages = [box.page()]
        for value in (1.5, None, 0):
            gauge.show(value)
            pages.append(box.page())
    found = [[line for line in page.splitlines() if line.startswith("cdb_sharpe_ratio_30d")] for page in pages]
    assert found == [[], ["cdb_sharpe_ratio_30d 1.5"], [], ["cdb_sharpe_ratio_30d 0.0"]]


def test_nothing_of_opentelemetry_shows_and_no_name_is_outside_the_contract() -> None:
    names = {metric.prometheus for metric in load_contract().metrics}
    for service in load_contract().services:
        with isolated(service=service) as box:
            page = box.page()
        shown = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE cdb_")}
        assert shown <= names
        assert len(shown) >= 10
        assert "otel_" not in page
        assert "target_info" not in page
        assert "process_resident_memory_bytes" in page


def test_a_scrape_takes_nothing_away() -> None:
    with isolated() as box:
        box.metrics.orders_received.labels(symbol="BTCUSDT").inc()
        assert box.series() == box.series()


BOT = """
from telemetry import metrics
with metrics.measure_signal_processing('momentum_v1'):
    metrics.record_signal(symbol='BTCUSDT', direction='BUY', strategy='momentum_v1', strength=0.82)
metrics.market_data_events_received.labels(symbol='BTCUSDT', source='mexc_ws').inc()
with metrics.measure_risk_decision():
    metrics.record_risk_decision(symbol='BTCUSDT', approved=True, reason_code=None, size=0.05)
metrics.update_exposure(14.7, {'BTCUSDT': 8.5, 'ETHUSDT': 6.2})
metrics.set_health_status('cdb_core', True)
page = metrics.get_metrics()
metrics.update_drawdown(4.5)
print((page + metrics.get_metrics()).decode())
"""


def test_bot_that_never_starts_telemetry_has_all_metrics_and_open_symbols() -> None:
    run = subprocess.run([sys.executable, "-c", BOT], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for line in (
        'cdb_signals_generated_total{direction="BUY",strategy="momentum_v1",symbol="BTCUSDT"} 1.0',
        'cdb_market_data_events_received_total{source="mexc_ws",symbol="BTCUSDT"} 1.0',
        'cdb_approved_order_size_sum{symbol="BTCUSDT"} 0.05',
        'cdb_position_exposure_pct{symbol="ETHUSDT"} 6.2',
        'cdb_health_status{service="cdb_core"} 1.0',
        "cdb_daily_drawdown_pct 0.0",
        "cdb_daily_drawdown_pct 4.5",
    ):
        assert f"\n{line}\n" in run.stdout
    assert 'cdb_health_status{service="cdb_ws"}' not in run.stdout, "a bot speaks for itself only"
    for metric in load_contract().metrics:
        assert f"# TYPE {metric.prometheus} {metric.type}\n" in run.stdout


def test_telemetry_of_a_process_starts_once() -> None:
    script = "from telemetry.setup import start_telemetry as s; s(service='cdb_ws').shutdown(); s(service='cdb_ws')"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "RuntimeError: telemetry runs already: call start_telemetry once" in run.stderr


def test_switch_that_is_neither_fast_nor_sdk_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import telemetry.metrics"],
        capture_output=True,
        text=True,
        check=False,
        env={"CDB_TELEMETRY_RECORDING": "turbo"},
    )
    assert "CDB_TELEMETRY_RECORDING is 'turbo'; allowed: fast, sdk" in run.stderr


def test_exposure_of_a_symbol_that_is_gone_is_zero() -> None:
    box = Isolated()
    box.metrics.update_exposure(10, {"BTCUSDT": 8.5, "ETHUSDT": 1.5})
    box.metrics.update_exposure(1.5, {"ETHUSDT": 1.5})
    assert box.value("cdb_position_exposure_pct", symbol="BTCUSDT") == 0
    assert box.value("cdb_position_exposure_pct", symbol="ETHUSDT") == 1.5
    assert box.value("cdb_total_exposure_pct") == 1.5


def test_closed_position_is_zero_in_both_gauges() -> None:
    box = Isolated("cdb_execution")
    box.metrics.update_positions({"BTCUSDT": 0.05})
    box.metrics.update_positions({"ETHUSDT": 0.12})
    for name, expected in (("cdb_open_positions", 1), ("cdb_position_size", 0.12)):
        assert box.value(name, symbol="BTCUSDT") == 0
        assert box.value(name, symbol="ETHUSDT") == expected


def test_rejection_is_evaluated_and_has_its_reason() -> None:
    box = Isolated()
    box.metrics.record_risk_decision("BTCUSDT", approved=False, reason_code="NO_POSITION")
    assert box.value("cdb_signals_evaluated_total", symbol="BTCUSDT") == 1
    assert box.value("cdb_orders_approved_total", symbol="BTCUSDT") == 0
    assert box.value("cdb_orders_rejected_total", symbol="BTCUSDT", reason_code="NO_POSITION") == 1


def test_measured_block_counts_also_when_it_raises() -> None:
    box = Isolated("cdb_execution")
    with pytest.raises(KeyError), box.metrics.measure_order_execution("paper"):
        raise KeyError
    assert box.value("cdb_order_execution_duration_seconds_count", exchange="paper") == 1


def test_breaker_and_health_are_one_or_zero() -> None:
    box = Isolated()
    for state in (True, False):
        box.metrics.set_circuit_breaker(state)
        box.metrics.set_health_status("cdb_risk", state)
        assert box.value("cdb_circuit_breaker_active") == state
        assert box.value("cdb_health_status", service="cdb_risk") == state
