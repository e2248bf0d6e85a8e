"""The contract is the frozen one plus extensions, and a contradictory one is refused by name."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry.contract import CONTRACT_FILE, ContractError, load_contract, parse_contract

RAW: dict[str, Any] = yaml.safe_load(CONTRACT_FILE.read_text(encoding="utf-8"))
COUNTER, HISTOGRAM, GAUGE = "cdb_orders_received_total", "cdb_trade_pnl_usd", "cdb_daily_drawdown_pct"

Change = Callable[[dict[str, Any]], None]


def _broken(name: str, change: Change) -> str:
    """The refusal of the contract in which *change* was made to the entry *name*."""
    raw = copy.deepcopy(RAW)
    change(next(entry for entry in raw["metrics"] if entry["prometheus"] == name))
    with pytest.raises(ContractError) as refusal:
        parse_contract(raw)
    return str(refusal.value)


def test_contract_has_the_37_frozen_metrics_and_marked_extensions() -> None:
    contract = load_contract()
    assert sum(not metric.extension for metric in contract.metrics) == 37
    assert [metric.extension for metric in contract.metrics] == sorted(metric.extension for metric in contract.metrics)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (COUNTER, {"prometheus": "cdb_orders_approved_total"}, "already taken by cdb_orders_approved_total"),
        (COUNTER, {"otel": "cdb.orders.approved"}, "already taken by cdb_orders_approved_total"),
        (GAUGE, {"prometheus": "cdb_trade_pnl_usd_sum"}, "already taken"),
        (HISTOGRAM, {"buckets": []}, "needs buckets"),
        (HISTOGRAM, {"buckets": [0, 1, 1]}, "must rise strictly"),
        (HISTOGRAM, {"buckets": [0, 2, 1]}, "must rise strictly"),
        (HISTOGRAM, {"buckets": [0, float("nan")]}, "must rise strictly"),
        (HISTOGRAM, {"buckets": [0, float("inf")]}, "must rise strictly"),
        (GAUGE, {"buckets": [1, 2]}, "only a histogram has"),
        (GAUGE, {"bounds": [1, 0]}, "the least before the most"),
        (HISTOGRAM, {"bounds": [0, 1]}, "bounds are of a gauge"),
        (COUNTER, {"type": "summary"}, "not one of counter, gauge, histogram"),
        (COUNTER, {"unit": "orders"}, "not one of 1, s, %, USD, bps or a {word}"),
        (COUNTER, {"owner": "cdb_risk"}, "not one of ws, core, risk"),
        (COUNTER, {"prometheus": "cdb_orders_received"}, "must end in _total"),
        (GAUGE, {"prometheus": "cdb_daily_drawdown_total"}, "must not end in _total"),
        (GAUGE, {"help": "text"}, "unknown key help; allowed: absent, bounds, brief, buckets"),
        (COUNTER, {"labels": ["Symbol"]}, "bad label name 'Symbol'"),
        (COUNTER, {"labels": ["le"]}, "bad label name 'le'"),
        (COUNTER, {"labels": ["venue"]}, "label venue has no values"),
        (COUNTER, {"labels": ["symbol", "symbol"]}, "label symbol is there twice"),
        (COUNTER, {"values": {"side": ["BUY"]}}, "not one of its labels"),
        ("cdb_risk_layer_checks_total", {"values": {"layer": [1]}}, "Expected `str`, got `int`"),
        ("cdb_risk_layer_checks_total", {"combinations": [{"layer": "0"}]}, "allowed: 1, 2, 3"),
        ("cdb_risk_layer_checks_total", {"combinations": [{"side": "BUY"}]}, "allowed: layer, result, service"),
        ("cdb_risk_layer_checks_total", {"combinations": [{"service": "x", "layer": "1"}]}, "for service 'x'"),
        (COUNTER, {"prometheus": "orders_received_total"}, "must look like cdb_words"),
        (COUNTER, {"otel": "Orders Received"}, "must look like cdb.dotted.words"),
        (COUNTER, {"prometheus": "cdb_1st_total"}, "'1st' cannot be a name in code"),
        (COUNTER, {"prometheus": "cdb_import_total"}, "'import' cannot be a name in code"),
        (COUNTER, {"labels": ["from"]}, "bad label name 'from'"),
        ("cdb_risk_layer_checks_total", {"values": {"layer": ["1", "1"]}}, "'1' is there twice"),
        (COUNTER, {"brief": ""}, "brief must be one line of text"),
        (COUNTER, {"brief": "two\nlines"}, "brief must be one line of text"),
        (COUNTER, {"when": " "}, "when must be one line of text"),
        (COUNTER, {"query": ""}, "query must be one line of text"),
        (COUNTER, {"query": "sum(cdb_orders_approved_total)"}, "must have one of cdb_orders_received_total"),
        (HISTOGRAM, {"query": "avg(cdb_trade_pnl_usd)"}, "must have one of cdb_trade_pnl_usd_bucket"),
        (HISTOGRAM, {"query": "rate(cdb_trade_pnl_usd_sum[1h])"}, "cdb_trade_pnl_usd_sum, which can fall"),
        (GAUGE, {"query": "increase(cdb_daily_drawdown_pct[1h])"}, "cdb_daily_drawdown_pct, which can fall"),
    ],
)
def test_contradictory_entry_is_refused_by_name_with_what_is_allowed(name: str, change: Any, says: str) -> None:
    message = _broken(name, lambda entry: entry.update(change))
    assert says in message
    assert change.get("prometheus", name) in message


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1, 2], "label layer: the value 1 is not text"),
        ([], "label layer: needs a list of at least one value"),
        (["1", "1"], "label layer: the value '1' is there twice"),
        ("layers", "label layer: 'layers' is neither a list nor one of services, metrics, open"),
    ],
)
def test_label_without_a_list_of_texts_is_refused_by_name(values: Any, says: str) -> None:
    raw = copy.deepcopy(RAW)
    raw["labels"]["layer"] = values
    with pytest.raises(ContractError) as refusal:
        parse_contract(raw)
    assert says in str(refusal.value)


@pytest.mark.parametrize("key", ["type", "otel", "unit", "owner", "brief", "when", "query"])
def test_entry_without_what_every_entry_needs_is_refused_by_name(key: str) -> None:
    message = _broken(GAUGE, lambda entry: entry.pop(key))
    assert key in message
    assert GAUGE in message


@pytest.mark.parametrize("change", [{"metrics": None}, {"metrics": {}}, {"labels": None}, {"labels": []}])
def test_contract_whose_parts_are_no_list_and_no_mapping_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="metrics must be a list, labels a mapping"):
        parse_contract({**RAW, **change})


def test_key_that_is_there_twice_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT_FILE.read_text(encoding="utf-8").replace("    owner: core\n", "    owner: core\n" * 2, 1))
    with pytest.raises(ContractError, match=r"the key owner is there twice(.|\n)*line \d+"):
        load_contract(path)


def test_text_that_is_no_yaml_is_refused_as_a_contract(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("metrics: [", encoding="utf-8")
    with pytest.raises(ContractError, match=r"contract\.yaml: not YAML"):
        load_contract(path)
