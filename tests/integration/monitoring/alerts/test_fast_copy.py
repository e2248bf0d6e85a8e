"""The fast copy of the alerts is the committed ones, ten times as fast, and nothing else."""

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import promql_parser as promql
import pytest
import yaml

from tests.integration.monitoring.alerts.promtool import RULES
from tests.support.fast_copy import FACTOR, faster, faster_expression, make_fast_copy
from tests.support.paths import ROOT
from tests.support.programs import promtool

RULE_TIMES: Final = ("for", "keep_firing_for")


@pytest.mark.parametrize(
    ("committed", "fast"),
    [
        ("rate(a[5m]) > 5", "rate(a[30s]) > 5"),
        ("a unless max_over_time(a[1h] offset 10m)", "a unless max_over_time(a[6m] offset 1m)"),
        ("rate(a[20s] offset 10s)", "rate(a[2s] offset 1s)"),
        ('label_replace(a, "b", "[5m]", "c", "5m")', 'label_replace(a, "b", "[5m]", "c", "5m")'),
    ],
)
def test_ranges_and_offsets_are_divided_and_texts_and_numbers_are_not(committed: str, fast: str) -> None:
    assert faster_expression(committed) == fast


@pytest.mark.parametrize("expression", ["max_over_time(rate(a[5m])[1h:1m])", "a offset 15s", "rate(a[15s])"])
def test_what_the_copy_cannot_divide_is_refused_rather_than_left_as_it_is(expression: str) -> None:
    with pytest.raises(NotImplementedError):
        faster_expression(expression)


@pytest.mark.integration
def test_the_copy_is_valid_and_has_every_rule_with_its_times_divided(tmp_path: Path) -> None:
    place = make_fast_copy(tmp_path / "fast") / "monitoring" / "prometheus"
    rules = sorted(map(str, (place / "rules").glob("*.yml")))
    checked = subprocess.run(
        [promtool(), "check", "rules", *rules], capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    committed, fast = groups(RULES), groups(place / "rules" / RULES.name)
    assert fast.keys() == committed.keys()
    for name, group in committed.items():
        assert seconds(fast[name]["interval"]) * FACTOR == seconds(group["interval"])
        assert [untimed(rule) for rule in fast[name]["rules"]] == [untimed(rule) for rule in group["rules"]]
        for slow_rule, fast_rule in zip(group["rules"], fast[name]["rules"], strict=True):
            for key in RULE_TIMES:
                if key in slow_rule or key in fast_rule:
                    assert seconds(fast_rule[key]) * FACTOR == seconds(slow_rule[key])
            assert ranges(fast_rule["expr"]) == [one / FACTOR for one in ranges(slow_rule["expr"])]


def test_scrapes_and_evaluations_keep_their_order() -> None:
    settings = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    fast = faster(settings)
    assert fast["global"] == {
        "scrape_interval": "1s500ms",
        "scrape_timeout": "1s500ms",
        "evaluation_interval": "1s500ms",
    }
    assert fast["scrape_configs"] == settings["scrape_configs"]


def groups(file: Path) -> dict[str, dict[str, Any]]:
    return {group["name"]: group for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]}


def untimed(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key not in {*RULE_TIMES, "expr"}}


def seconds(text: str) -> float:
    return promql.parse_duration(text).total_seconds()


def ranges(expression: str) -> list[timedelta]:
    """Every range and offset of *expression*, in their order."""
    found: list[timedelta] = []

    def look(node: promql.Expr) -> None:
        if isinstance(node, promql.MatrixSelector):
            found.append(node.range)
        if isinstance(node, promql.VectorSelector) and node.offset is not None:
            found.append(node.offset)

    promql.walk(promql.parse(expression), pre_visit=look)
    return found
