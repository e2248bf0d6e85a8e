"""Runs the committed alerts, or changed ones, over series that a test makes up."""

import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from cdb.check.files import read_yaml
from tests.support.paths import ROOT
from tests.support.programs import promtool

RULES: Final = ROOT / "monitoring" / "prometheus" / "rules" / "alerts.yml"
STEP: Final = "15s"  # scrapes and evaluations, as in prometheus.yml


@dataclass(frozen=True, kw_only=True)
class Firing:
    """One alert as its receiver has it, but for what the rules add to all of its kind."""

    severity: str
    component: str
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What of *alert* fires, at which times (such as 1m15s), while *series* are scraped every 15 s."""

    rule: str
    alert: str
    series: Mapping[str, str]
    at: Mapping[str, Sequence[Firing]]


def alerts(file: Path = RULES) -> dict[str, dict[str, Any]]:
    """Every alert of *file* by its name."""
    groups = read_yaml(file.parent, file, dict[str, Any])["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def outcome(cases: Sequence[Case], folder: Path, rules: Path = RULES) -> tuple[bool, str]:
    """Whether *rules* do what *cases* say, and what promtool says to it."""
    asked = folder / "asked.yml"
    asked.write_text(_only({case.alert for case in cases}, rules), encoding="utf-8")
    test = {
        "rule_files": [str(asked)],
        "evaluation_interval": STEP,
        "tests": [_as_promtool_wants(case) for case in cases],
    }
    file = folder / "test.yml"
    file.write_text(yaml.dump(test, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
    run = subprocess.run(
        [promtool(), "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    return run.returncode == 0, run.stdout + run.stderr


def _only(wanted: Collection[str], file: Path) -> str:
    """The *wanted* alerts of *file* and all that is recorded: what nobody asks about need not be evaluated."""
    content = read_yaml(file.parent, file, dict[str, Any])
    for group in content["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert", "") in {*wanted, ""}]
    return str(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, width=10_000))


def _as_promtool_wants(case: Case) -> dict[str, Any]:
    return {
        "name": case.rule,
        "interval": STEP,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {"alertname": case.alert, "eval_time": at, "exp_alerts": [_expected(case.alert, one) for one in firing]}
            for at, firing in case.at.items()
        ],
    }


def _expected(alert: str, firing: Firing) -> dict[str, Any]:
    """What promtool compares: the two addresses are the rule's own, which another test looks at."""
    given = alerts()[alert]["annotations"]
    return {
        "exp_labels": {"severity": firing.severity, "component": firing.component, **firing.labels},
        "exp_annotations": {
            "summary": firing.summary,
            "description": firing.description,
            "runbook_url": given["runbook_url"],
            "dashboard_url": given["dashboard_url"],
        },
    }
