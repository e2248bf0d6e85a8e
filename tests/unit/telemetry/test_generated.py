"""What is generated from the contract: up to date, complete, and what the contract says, whatever that is."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry.contract import load_contract, parse_contract
from telemetry.generate.__main__ import FILES, ROOT
from telemetry.generate.__main__ import main as generate
from telemetry.generate.page import metrics_page
from telemetry.generate.python_source import instruments_source, metrics_source
from telemetry.generate.renaming import renaming

SMALL = """
services: [cdb_ws, cdb_core, cdb_risk, cdb_execution]
labels:
  side: [BUY, SELL]
  symbol: open
metrics:
  - {prometheus: cdb_trades_total, otel: cdb.trades, type: counter, unit: "{trade}", owner: risk,
     labels: [side, symbol], brief: Trades, when: Once done, query: "rate(cdb_trades_total[5m])"}
  - {prometheus: cdb_equity, otel: cdb.equity, type: gauge, unit: USD, owner: risk,
     brief: Equity, when: Every second, query: cdb_equity}
  - {prometheus: cdb_wait_seconds, otel: cdb.wait, type: histogram, unit: s, owner: all, labels: [side],
     buckets: [-2, 0, 0.25, 10], brief: Waiting, when: Once waited, query: "rate(cdb_wait_seconds_count[5m])"}
"""
COUNTER, GAUGE, HISTOGRAM = range(3)


def _small(number: int = COUNTER, **change: Any) -> str:
    """The renaming of a contract of three metrics, the one with this *number* changed."""
    raw = yaml.safe_load(SMALL)
    raw["metrics"][number].update(change)
    return renaming(parse_contract(raw))


def _processors(text: str) -> tuple[list[str], list[dict[str, list[str]]]]:
    processors = yaml.safe_load(text)["processors"]
    assert list(processors) == ["filter/contract", "transform/contract"]
    return processors["filter/contract"]["metric_conditions"], processors["transform/contract"]["metric_statements"]


def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(["--check"]) == 0, capsys.readouterr().err


def test_check_names_each_stale_file_and_writes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
    assert generate(["--check"], root=tmp_path) == 1
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == list(FILES)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    assert generate([], root=tmp_path) == 0
    assert generate(["--check"], root=tmp_path) == 0
    assert all((tmp_path / name).read_bytes() == (ROOT / name).read_bytes() for name in FILES)

    (tmp_path / "docs/metrics.md").write_text("old", encoding="utf-8")
    assert generate(["--check"], root=tmp_path) == 1
    assert capsys.readouterr().err == "docs/metrics.md is out of date; run make generate\n"


def test_every_metric_is_in_the_renaming_exactly_once() -> None:
    contract = load_contract()
    conditions, groups = _processors(renaming(contract))
    dotted = [f'metric.name == "{metric.otel}"' for metric in contract.metrics]
    assert conditions[0] == f"not ( {' or '.join(dotted)} )"
    assert [condition.partition(" and not ")[0] for condition in conditions[1:]] == dotted
    assert [group["conditions"] for group in groups] == [[name] for name in dotted]
    assert [group["statements"][1] for group in groups] == [
        f'set(metric.name, "{metric.prometheus}")' for metric in contract.metrics
    ]


def test_a_point_passes_only_with_the_type_unit_labels_and_buckets_of_the_contract() -> None:
    conditions, _ = _processors(_small())
    assert conditions[1:] == [
        'metric.name == "cdb.trades" and not ('
        " metric.type == METRIC_DATA_TYPE_SUM and metric.is_monotonic == true"
        " and metric.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE"
        ' and metric.unit == "{trade}" and Len(datapoint.attributes) == 2'
        ' and datapoint.attributes["side"] != nil and datapoint.attributes["symbol"] != nil )',
        'metric.name == "cdb.equity" and not ('
        ' metric.type == METRIC_DATA_TYPE_GAUGE and metric.unit == "USD"'
        " and Len(datapoint.attributes) == 0 )",
        'metric.name == "cdb.wait" and not ('
        " metric.type == METRIC_DATA_TYPE_HISTOGRAM"
        " and metric.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE"
        ' and metric.unit == "s" and Len(datapoint.attributes) == 1 and datapoint.attributes["side"] != nil'
        ' and String(datapoint.explicit_bounds) == "[-2,0,0.25,10]" )',
    ]


@pytest.mark.parametrize(
    ("number", "change", "line"),
    [
        (COUNTER, {"otel": "cdb.deals"}, 'metric.name == "cdb.deals" and not ('),
        (COUNTER, {"prometheus": "cdb_deals_total", "query": "cdb_deals_total"}, 'set(metric.name, "cdb_deals_total")'),
        (COUNTER, {"brief": "Deals"}, 'set(metric.description, "Deals")'),
        (COUNTER, {"labels": ["side"]}, "and Len(datapoint.attributes) == 1"),
        (GAUGE, {"labels": ["side"]}, 'and datapoint.attributes["side"] != nil'),
        (GAUGE, {"type": "histogram", "buckets": [1], "query": "cdb_equity_sum"}, '"[1]"'),
        (HISTOGRAM, {"type": "gauge", "buckets": [], "query": "cdb_wait_seconds"}, "METRIC_DATA_TYPE_GAUGE"),
        (HISTOGRAM, {"buckets": [1, 2, 3]}, 'and String(datapoint.explicit_bounds) == "[1,2,3]"'),
    ],
)
def test_renaming_changes_with_the_contract(number: int, change: dict[str, Any], line: str) -> None:
    before, after = _small(), _small(number, **change)
    assert after.count(line) == before.count(line) + 1


@pytest.mark.parametrize(
    ("bounds", "as_the_collector_does"),
    [
        ([0.001, 0.005, 1], "[0.001,0.005,1]"),
        ([0.00005, 0.1, 1000000], "[0.00005,0.1,1000000]"),
        ([1e-7, 1.5e-7, 1e-6], "[1e-07,1.5e-07,0.000001]"),
        ([1e17, 1e20, 1e21, 1.5e22], "[100000000000000000,100000000000000000000,1e+21,1.5e+22]"),
    ],
)
def test_bounds_are_written_as_the_collector_writes_them(bounds: list[float], as_the_collector_does: str) -> None:
    assert f'== "{as_the_collector_does}" )' in _processors(_small(HISTOGRAM, buckets=bounds))[0][3]


@pytest.mark.parametrize(
    "brief",
    [
        'Says "none" or \\ and \\n, as it\'s called',
        "Costs $ and ${env:HOME}: all # of it",
        "- [a] {b}: *c* | d, größer als nichts",
        "two  spaces, and one at the end ",
    ],
)
def test_help_text_arrives_as_it_is_whatever_yaml_ottl_and_the_collector_take_for_theirs(brief: str) -> None:
    statement = _processors(_small(brief=brief))[1][0]["statements"][0]
    literal = statement.removeprefix("set(metric.description, ").removesuffix(")")
    assert "$" not in literal.replace("$$", "")
    assert json.loads(literal.replace("$$", "$")) == brief


def test_python_modules_change_with_the_contract() -> None:
    contract = parse_contract(yaml.safe_load(SMALL))
    assert 'self.trades = BySideSymbol(recorder.counter("cdb_trades_total"))' in instruments_source(contract)
    assert "wait_seconds = METRICS.wait_seconds" in metrics_source(contract)


def test_page_lists_and_describes_every_metric_once() -> None:
    contract = load_contract()
    page = metrics_page(contract)
    for metric in contract.metrics:
        assert page.count(f"| [{metric.prometheus}](#{metric.prometheus}) | {metric.type} | `{metric.unit}` |") == 1
        assert page.count(f"\n### {metric.prometheus}\n") == 1
        section = page.partition(f"\n### {metric.prometheus}\n")[2].partition("\n#")[0]
        assert f"```promql\n{metric.query}\n```" in section
        assert metric.when[1:] in section
        assert section.startswith("\n**Extension.**") == metric.extension
        assert all(f"  - `{label}`: " in section for label in metric.labels)
        assert section.count("- Buckets: ") == bool(metric.buckets)


def test_page_shows_what_the_contract_says_of_a_metric() -> None:
    section = metrics_page(parse_contract(yaml.safe_load(SMALL))).partition("\n### cdb_wait_seconds\n")[2]
    assert section == (
        "\nWaiting.\n\n- Type: histogram\n- Unit: `s`\n- OpenTelemetry name: `cdb.wait`\n"
        "- Recorded by every service: once waited\n- Labels:\n  - `side`: `BUY`, `SELL`\n"
        "- Buckets: `-2`, `0`, `0.25`, `10`, `+Inf`\n\n"
        "```promql\nrate(cdb_wait_seconds_count[5m])\n```\n"
    )
