"""The metrics reference: the contract, live values, and what reads each metric."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from cdb.dashboard.model.dashboards import load_dashboards
from cdb.kit.prometheus import Sample
from console import reference
from tests.support.clocks import SettableClock
from tests.support.consoles import client_of, ground_of
from tests.support.paths import ROOT
from tests.unit.console.fake_prometheus import FakePrometheus, settled

BOARDS = tuple(load_dashboards(ROOT).read.values())


@pytest.fixture
def prometheus() -> FakePrometheus:
    return FakePrometheus()


@pytest.fixture
def client(tmp_path: Path, prometheus: FakePrometheus) -> FlaskClient:
    return client_of(prometheus.behind(ground_of(tmp_path, SettableClock(1_700_000_000 * 10**9))))


def samples(name: str, **values: float) -> list[Sample]:
    return [Sample({"__name__": name, "of": of}, 0.0, value) for of, value in values.items()]


def text(name: str, *found: Sample) -> str:
    return reference.value_text(reference.METRICS[name], reference.by_name(found))


def test_all_values_are_one_question(client: FlaskClient, prometheus: FakePrometheus) -> None:
    settled(client, "/metrics-reference")
    settled(client, "/metrics-reference?q=pnl")
    assert prometheus.queries() == [reference.VALUES]


def test_every_metric_of_the_contract_is_there_with_all_that_is_known_of_it(client: FlaskClient) -> None:
    shown = settled(client, "/metrics-reference")
    for name, metric in reference.METRICS.items():
        assert f'<a href="/metrics-reference/{name}">{name}</a>' in shown
        assert metric.unit in shown


def test_a_counter_has_its_sum_a_gauge_its_range_and_a_histogram_its_mean() -> None:
    assert text("cdb_orders_received_total", *samples("cdb_orders_received_total", sum=12, min=1, max=5)) == "12"
    assert text("cdb_cumulative_pnl_usd", *samples("cdb_cumulative_pnl_usd", min=-3, max=-3)) == "-$3"
    assert text("cdb_risk_limit_pct", *samples("cdb_risk_limit_pct", min=5, max=50)) == "5% to 50%"
    name = "cdb_trade_to_order_duration_seconds"
    both = (*samples(f"{name}_count", sum=4, count=1), *samples(f"{name}_sum", sum=0.1, count=1))
    assert text(name, *both) == "mean 25 ms of 4"
    assert reference.series_text(reference.METRICS[name], reference.by_name(both)) == "1"


def test_a_metric_without_a_value_has_none() -> None:
    assert {reference.value_text(metric, {}) for metric in reference.METRICS.values()} == {"–"}  # noqa: RUF001
    assert text("cdb_trade_pnl_usd", *samples("cdb_trade_pnl_usd_count", sum=0)) == "–"  # noqa: RUF001


def test_a_filter_finds_words_of_name_label_and_meaning(client: FlaskClient) -> None:
    assert [metric.prometheus for metric in reference.found("PNL symbol realised")] == [
        "cdb_trade_pnl_usd",
        "cdb_symbol_pnl_usd",
    ]
    shown = settled(client, "/metrics-reference?q=pnl+strategy")
    assert "1 of 74 metrics" in shown
    assert "No metric has all of these words" in settled(client, "/metrics-reference?q=nothing+like+that")


def test_a_filter_is_text_and_has_an_end(client: FlaskClient) -> None:
    assert "<script>" not in settled(client, "/metrics-reference?q=<script>alert(1)</script>")
    reply = client.get("/metrics-reference", query_string={"q": "x" * 101})
    assert reply.status_code == 400
    assert "q must be at most 100 characters long" in reply.get_data(as_text=True)


def test_a_metric_has_the_chart_of_the_contracts_query(client: FlaskClient, prometheus: FakePrometheus) -> None:
    shown = settled(client, "/metrics-reference/cdb_trade_to_order_duration_seconds?from=now-1h&refresh=off")
    assert reference.METRICS["cdb_trade_to_order_duration_seconds"].query in prometheus.queries()
    assert '<script type="application/json">{' in shown
    assert '<a href="/d/cdb-system-health#p3-panel">Time from Trade to Order</a>' in shown
    moved = client.get("/metrics-reference/cdb_open_positions?range=6h&from=now-1h&to=now&refresh=5s")
    assert moved.location == "/metrics-reference/cdb_open_positions?from=now-6h&to=now&refresh=5s"


def test_the_example_has_the_unit_of_what_it_asks_for() -> None:
    units = {name: reference.board_of(reference.METRICS[name]).panels[0].field_config.defaults.unit for name in UNITS}
    assert units == UNITS


UNITS = {
    "cdb_trade_to_order_duration_seconds": "s",
    "cdb_risk_limit_pct": "percent",
    "cdb_cumulative_pnl_usd": "currencyUSD",
    "cdb_signals_generated_total": "short",
}


def test_alerts_are_found_through_recording_rules(client: FlaskClient, prometheus: FakePrometheus) -> None:
    recorded = "limit:cdb_risk_limit_pct:in_force"
    prometheus.rules = [
        {"name": recorded, "type": "recording", "query": "max by (limit) (cdb_risk_limit_pct)"},
        {"name": "ServiceDown", "type": "alerting", "query": f"vector(1) > on () {recorded}"},
        {"name": "Other", "type": "alerting", "query": "up == 0"},
    ]
    shown = settled(client, "/metrics-reference/cdb_risk_limit_pct")
    assert '<a href="/runbooks/ServiceDown">ServiceDown</a>' in shown
    assert recorded in shown
    assert "Other" not in shown
    assert "Daily Drawdown History" in shown


def test_a_name_within_a_longer_one_is_no_use() -> None:
    found = reference.uses(reference.METRICS["cdb_health_status"], BOARDS, [])
    assert {panel.title for _, panel in found.panels} == {"Service Health"}


def test_what_is_no_metric_is_not_found(client: FlaskClient) -> None:
    assert client.get("/metrics-reference/up").status_code == 404


def test_a_server_that_is_away_is_named_and_the_contract_stays(client: FlaskClient, prometheus: FakePrometheus) -> None:
    prometheus.away = True
    why = "Prometheus at http://fake does not answer: nobody listens"
    assert why in settled(client, "/metrics-reference")
    shown = settled(client, "/metrics-reference/cdb_open_positions")
    assert shown.count(why) == 3  # the chart, its age, the alerts
    assert "Panels that use it" in shown
