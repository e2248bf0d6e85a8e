"""What is recorded is counted, bounded and never stops trading; a wrong call says what is right."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from math import inf, nan
from threading import Event
from typing import Any

import pytest

from telemetry.contract import ContractError, load_contract
from telemetry.families import LabelError
from telemetry.pipeline import Telemetry, TelemetrySettings
from telemetry.recorder import Recorder, Recording
from telemetry.recording_calls import Metrics
from tests.unit.telemetry.isolated import SYMBOLS, Isolated, isolated


def test_four_threads_lose_nothing_while_others_collect() -> None:
    with isolated() as box:
        counter = box.metrics.orders_received.labels(symbol="BTCUSDT")
        gauge = box.metrics.websocket_connections_active
        histogram = box.metrics.trade_pnl_usd.labels(symbol="BTCUSDT")
        done = Event()

        def work() -> None:
            for _ in range(5_000):
                counter.inc()
                gauge.inc(2)
                histogram.observe(-1)
                box.metrics.orders_approved.labels(symbol="ETHUSDT").inc()

        def collect() -> None:
            while not done.is_set():
                box.page()

        with ThreadPoolExecutor(5) as pool:
            collector = pool.submit(collect)
            for worker in [pool.submit(work) for _ in range(4)]:
                worker.result()
            done.set()
            collector.result()

        assert box.value("cdb_orders_received_total", symbol="BTCUSDT") == 20_000
        assert box.value("cdb_orders_approved_total", symbol="ETHUSDT") == 20_000
        assert box.value("cdb_websocket_connections_active") == 40_000
        assert box.value("cdb_trade_pnl_usd_count", symbol="BTCUSDT") == 20_000
        assert box.value("cdb_trade_pnl_usd_sum", symbol="BTCUSDT") == -20_000


def test_wrong_label_is_an_error_that_lists_the_right_ones() -> None:
    right = r"no label reason; call labels\(symbol=\.\.\., reason_code=\.\.\.\)"
    with isolated() as box, pytest.raises(LabelError, match=right):
        # mypy reports an ignored error that is not there, so this line shows that it sees the wrong name too.
        box.metrics.orders_rejected.labels(symbol="BTCUSDT", reason="NO_POSITION")  # type: ignore[call-arg]


def test_missing_label_is_an_error_that_lists_the_right_ones() -> None:
    right = r"a label is missing; call labels\(symbol=\.\.\., reason_code=\.\.\.\)"
    with isolated() as box, pytest.raises(LabelError, match=right):
        box.metrics.orders_rejected.labels(symbol="BTCUSDT")  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [None, 1.5, b"BTCUSDT"])
def test_label_value_that_is_no_text_is_an_error(value: Any) -> None:
    with isolated() as box, pytest.raises(LabelError, match="must be text or int"):
        box.metrics.orders_received.labels(symbol=value)


def test_instrument_outside_the_contract_cannot_be_had() -> None:
    recorder = Recorder(load_contract())
    with pytest.raises(ContractError, match=r"no counter 'cdb_dreams_total'; it has: cdb_signals_generated_total"):
        recorder.counter("cdb_dreams_total")
    with pytest.raises(ContractError, match="no gauge 'cdb_signals_generated_total'"):
        recorder.gauge("cdb_signals_generated_total")


def test_instrument_that_differs_from_the_contract_asks_to_be_generated() -> None:
    recorder = Recorder(load_contract())
    face = type(Isolated().metrics.orders_rejected)
    with pytest.raises(ContractError, match=r"cdb_orders_received_total.* run python -m telemetry\.generate"):
        face(recorder.counter("cdb_orders_received_total"))


def test_label_set_is_bound_once() -> None:
    with isolated() as box:
        bind = box.metrics.risk_layer_checks.labels
        assert bind(layer=1, result="passed") is bind(result="passed", layer="1")


def test_symbol_that_is_not_configured_becomes_other_and_is_counted() -> None:
    with isolated() as box:
        for symbol in ("DOGEUSDT", "SHIBUSDT"):
            box.metrics.orders_received.labels(symbol=symbol).inc()
        assert box.value("cdb_orders_received_total", symbol="other") == 2
        assert box.value("cdb_orders_received_total", symbol="DOGEUSDT") is None
        assert box.value("cdb_telemetry_label_overflow_total", metric="cdb_orders_received_total") == 2


def test_symbols_that_are_admitted_later_are_recorded_under_their_names() -> None:
    """Such as those that are held though no longer configured."""
    with isolated("cdb_execution") as box:
        box.metrics.orders_received.labels(symbol="SOLUSDT").inc()
        box.recorder.also_admit("symbol", ["SOLUSDT", "BTCUSDT"])
        box.metrics.orders_received.labels(symbol="SOLUSDT").inc()
        box.metrics.orders_received.labels(symbol="XRPUSDT").inc()
        assert box.value("cdb_orders_received_total", symbol="SOLUSDT") == 1
        assert box.value("cdb_orders_received_total", symbol="other") == 2


def test_admitting_symbols_changes_nothing_where_none_are_configured() -> None:
    with isolated("cdb_execution", ()) as box:
        box.recorder.also_admit("symbol", ["SOLUSDT"])
        for number in range(32):
            box.metrics.orders_received.labels(symbol=f"S{number}").inc()
        assert box.value("cdb_orders_received_total", symbol="S31") == 1


def test_without_configured_symbols_the_first_32_are_kept() -> None:
    with isolated(symbols=()) as box:
        for number in range(40):
            for _ in range(2):
                box.metrics.orders_received.labels(symbol=f"S{number}").inc()
        kept = [labels for name, labels in box.series() if name == "cdb_orders_received_total"]
        assert len(kept) == 32 + 1
        assert box.value("cdb_orders_received_total", symbol="S31") == 2
        assert box.value("cdb_orders_received_total", symbol="other") == 16
        assert box.value("cdb_telemetry_label_overflow_total", metric="cdb_orders_received_total") == 16


@pytest.mark.parametrize("symbol", ["", "A" * 10_000, "BTC\nUSDT", "\ud800", "\x00"])
def test_symbol_that_could_spoil_an_export_becomes_other(symbol: str) -> None:
    with isolated(symbols=()) as box:
        box.metrics.orders_received.labels(symbol=symbol).inc()
        assert box.value("cdb_orders_received_total", symbol="other") == 1


def test_value_that_is_not_listed_becomes_other() -> None:
    with isolated() as box:
        box.metrics.record_risk_decision("BTCUSDT", approved=False, reason_code="MOON_PHASE")
        assert box.value("cdb_orders_rejected_total", symbol="BTCUSDT", reason_code="other") == 1


def test_violation_in_a_layer_that_it_does_not_belong_to_becomes_other() -> None:
    with isolated() as box:
        box.metrics.record_violation("DRAWDOWN_LIMIT", layer=5)
        assert box.value("cdb_risk_violations_total", violation_type="other", layer="other") == 1
        box.metrics.record_violation("DRAWDOWN_LIMIT", layer=3)
        assert box.value("cdb_risk_violations_total", violation_type="DRAWDOWN_LIMIT", layer="3") == 1


@pytest.mark.parametrize("value", [nan, inf, -inf, Decimal("NaN"), Decimal("sNaN"), 10**400, Decimal("1e400")])
def test_value_that_is_not_finite_is_left_out_and_counted(value: Any) -> None:
    with isolated() as box:
        box.metrics.orders_received.labels(symbol="BTCUSDT").inc(value)
        box.metrics.update_drawdown(1.5)
        box.metrics.update_drawdown(value)
        box.metrics.daily_drawdown_pct.inc(value)
        box.metrics.trade_pnl_usd.labels(symbol="BTCUSDT").observe(value)
        assert box.value("cdb_orders_received_total", symbol="BTCUSDT") == 0
        assert box.value("cdb_daily_drawdown_pct") == 1.5
        assert box.value("cdb_trade_pnl_usd_count", symbol="BTCUSDT") == 0
        refused = [box.value("cdb_telemetry_values_refused_total", metric=name) for name in _REFUSING]
        assert refused == [1, 2, 1]


_REFUSING = ("cdb_orders_received_total", "cdb_daily_drawdown_pct", "cdb_trade_pnl_usd")


def test_negative_amount_is_left_out_of_a_counter_and_counted() -> None:
    with isolated() as box:
        box.metrics.orders_received.labels(symbol="BTCUSDT").inc(-1)
        assert box.value("cdb_orders_received_total", symbol="BTCUSDT") == 0
        assert box.value("cdb_telemetry_values_refused_total", metric="cdb_orders_received_total") == 1


def test_value_that_is_no_number_is_an_error() -> None:
    with isolated() as box:
        gauge: Any = box.metrics.daily_drawdown_pct
        with pytest.raises(TypeError, match="int, float or Decimal, not str '5'"):
            gauge.set("5")


def test_decimals_are_recorded_as_floats() -> None:
    with isolated() as box:
        box.metrics.record_trade("BTCUSDT", "SELL", pnl=Decimal("-70.25"), slippage=Decimal(3))
        box.metrics.update_pnl(Decimal("12.5"))
        box.metrics.orders_received.labels(symbol="BTCUSDT").inc(Decimal("1.5"))
        assert box.value("cdb_trade_pnl_usd_sum", symbol="BTCUSDT") == -70.25
        assert box.value("cdb_cumulative_pnl_usd") == 12.5
        assert box.value("cdb_orders_received_total", symbol="BTCUSDT") == 1.5


def test_negative_results_are_in_their_buckets_and_in_the_sum() -> None:
    with isolated() as box:
        for pnl in (-2000, -70, 0, 20, 5000):
            box.metrics.record_trade("BTCUSDT", "SELL", pnl=pnl)
        buckets = {
            dict(labels)["le"]: value
            for (name, labels), value in box.series().items()
            if name == "cdb_trade_pnl_usd_bucket" and ("symbol", "BTCUSDT") in labels
        }
        assert buckets["-1000.0"] == 1
        assert buckets["-50.0"] == 2
        assert buckets["0.0"] == 3
        assert buckets["50.0"] == 4
        assert buckets["+Inf"] == 5
        assert box.value("cdb_trade_pnl_usd_sum", symbol="BTCUSDT") == 2950


def test_age_is_asked_for_at_every_collection() -> None:
    with isolated() as box:
        ages = iter([3.0, 4.0, nan])
        box.metrics.data_staleness_seconds.labels(source="simulated").set_function(lambda: next(ages))
        seen = [box.value("cdb_data_staleness_seconds", source="simulated") for _ in range(3)]
        assert seen == [3.0, 4.0, None]


def test_what_a_service_knows_is_zero_from_the_start() -> None:
    with isolated(service="cdb_risk") as box:
        for symbol in SYMBOLS:
            assert box.value("cdb_orders_rejected_total", symbol=symbol, reason_code="NO_POSITION") == 0
            assert box.value("cdb_approved_order_size_count", symbol=symbol) == 0
        assert box.value("cdb_risk_violations_total", violation_type="DRAWDOWN_LIMIT", layer="3") == 0
        assert box.value("cdb_risk_violations_total", violation_type="DRAWDOWN_LIMIT", layer="4") is None
        assert box.value("cdb_circuit_breaker_active") == 0
        assert box.value("cdb_risk_decision_duration_seconds_sum") == 0
        assert box.value("cdb_redis_publish_duration_seconds_count", topic="orders") == 0
        assert box.value("cdb_redis_publish_duration_seconds_count", topic="fills") is None


@pytest.mark.parametrize(("recording", "name"), [("fast", "cdb_risk_limit_pct"), ("sdk", "cdb_risk_limit_percent")])
def test_a_gauge_set_before_the_start_never_shows_zero(recording: Recording, name: str) -> None:
    recorder = Recorder(load_contract(), recording=recording)
    Metrics(recorder).risk_limit_pct.labels(limit="position").set(10)
    telemetry = Telemetry(recorder, service="cdb_risk", settings=TelemetrySettings())
    page = telemetry.exposition().decode()
    assert [line.split()[-1] for line in page.splitlines() if line.startswith(name) and "position" in line] == ["10.0"]
    telemetry.shutdown()


def test_a_service_starts_with_its_own_metrics_only() -> None:
    with isolated(service="cdb_ws") as box:
        owned = {metric.prometheus for metric in load_contract().owned_by("cdb_ws")}
        for name, _ in box.series():
            assert any(name == metric or name.startswith(f"{metric}_") for metric in owned), name
        assert box.value("cdb_health_status", service="cdb_ws") == 0
        assert box.value("cdb_health_status", service="cdb_core") is None


def test_expected_values_narrow_what_is_zero_from_the_start() -> None:
    box = Isolated("cdb_execution", expected={"exchange": ["paper"]})

    def exchanges() -> set[str]:
        name = "cdb_order_execution_duration_seconds_count"
        return {dict(labels)["exchange"] for series, labels in box.series() if series == name}

    assert exchanges() == {"paper"}
    box.metrics.order_execution_duration_seconds.labels(exchange="MEXC").observe(1)
    assert exchanges() == {"paper", "MEXC"}


def test_configured_values_of_an_open_label_are_zero_from_the_start_and_no_others_are_recorded() -> None:
    box = Isolated("cdb_core", configured={"strategy": ["reversal_v1"], "indicator_type": ["z_score"]})
    strategies = [dict(labels)["strategy"] for name, labels in box.series() if name == "cdb_signal_strength_count"]
    assert strategies == ["reversal_v1"] * len(SYMBOLS)
    box.metrics.signal_strength.labels(symbol="BTCUSDT", strategy="momentum_v1").observe(1)
    assert box.value("cdb_signal_strength_count", symbol="BTCUSDT", strategy="other") == 1


@pytest.mark.parametrize(
    ("service", "expected", "says"),
    [
        ("risk", {}, "service 'risk' is not one of cdb_ws, cdb_core"),
        ("cdb_risk", {"venue": ["x"]}, "no metric has the label 'venue'"),
        ("cdb_risk", {"exchange": ["NYSE"]}, "label exchange cannot be NYSE; allowed: MEXC, paper"),
        ("cdb_risk", {"source": ["simulated"]}, "label source is open: configured, not expected"),
    ],
)
def test_start_that_the_contract_does_not_know_is_refused(service: str, expected: Any, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        Isolated(service, expected=expected)


def test_handles_bound_before_the_start_record_from_then_on() -> None:
    recorder = Recorder(load_contract())
    early = recorder.counter("cdb_orders_received_total").bind(("BTCUSDT",))
    early.inc()
    assert early.read() == 1
    assert recorder.counter("cdb_orders_received_total").bind(("BTCUSDT",)) is early


def test_unknown_way_of_recording_is_refused() -> None:
    way: Any = "slow"
    with pytest.raises(ValueError, match="recording 'slow' is not one of fast, sdk"):
        Recorder(load_contract(), recording=way)
