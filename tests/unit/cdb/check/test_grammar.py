"""What is PromQL depends on who is asked: the installed promtool, or our own parser where there is none."""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest

from cdb.check import run
from cdb.check.files import FileError
from cdb.check.findings import Finding, Report
from cdb.check.grammar import Promtool
from cdb.check.run import Depth
from cdb.check.static import PARSER, check
from tests.support.copies import RISK, copy_project, query
from tests.support.paths import ROOT
from tests.support.programs import promtool

PLACE: Final = "Risk & Alerts, panel 'Circuit Breaker', query A"
OLD: Final = "max(cdb_circuit_breaker_active)"
REFUSED: Final = (
    ('{symbol="A" or symbol="B"}', 'unexpected identifier "or"'),
    ("limitk(1, up)", "is experimental"),
    ("limit_ratio(0.5, up)", "is experimental"),
    ("info(up)", 'function "info" is not enabled'),
    ("mad_over_time(up[5m])", 'function "mad_over_time" is not enabled'),
    ("rate(up[5m] smoothed)", "smoothed modifier is experimental"),
    ("sum(\nup", "unclosed left parenthesis"),
    ("up == == up", "unexpected <op:==>"),
    ("up\x00", "unexpected"),
    ("", "field 'expr' must be set"),
)
"""Expressions that Prometheus 3.13 refuses, and its reason."""


def tool() -> Promtool:
    """The installed promtool; its version must be the one that the reasons are from."""
    found = Promtool(promtool())
    assert found.name.startswith("promtool 3.13"), "the reasons are of another version"
    return found


def changed(folder: Path, expression: str) -> Path:
    """Copy the project with *expression* in a panel."""
    root = copy_project(folder)
    query(RISK, "Circuit Breaker", OLD, expression)(root)
    return root


@pytest.mark.parametrize(("expression", "why"), REFUSED)
def test_what_promtool_refuses_is_a_finding_at_its_panel(expression: str, why: str, tmp_path: Path) -> None:
    judge = tool()
    findings = check(changed(tmp_path, expression), judge).report.findings
    about = [one for one in findings if one.place == PLACE and one.fault.startswith(f"is not PromQL for {judge.name}")]
    assert len(about) == 1, findings
    assert about[0].file == RISK
    assert why in about[0].fault


def test_each_of_many_is_found_and_what_is_right_is_not() -> None:
    right = ("up", "sum by (job) (rate(x[5m] offset -1h)) > bool 1", "up @ end()", "# comment\nup", '"text"', "up[5m]")
    texts = [text for text, _ in REFUSED]
    found = tool().refused([*right, *texts, *right])
    assert found.keys() == {*texts}
    assert all(why in found[text] for text, why in REFUSED)


def test_the_report_says_whose_grammar_was_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    tool()
    assert run.run(ROOT, Depth.STATIC).grammar.startswith("promtool 3.13")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(sys, "prefix", "/nonexistent")
    assert run.run(ROOT, Depth.STATIC).grammar == PARSER


class Lenient:
    """A program that takes everything."""

    name = "Prometheus 99"

    def refused(self, expressions: Iterable[str]) -> Mapping[str, str]:
        assert {*expressions}
        return {}


def test_what_only_our_own_parser_refuses_is_not_called_wrong(tmp_path: Path) -> None:
    (finding,) = of_the_grammar(check(changed(tmp_path, "up ~~ up"), Lenient()).report)
    said = f"names and labels were not checked: Prometheus 99 parses it, but {PARSER} does not: "
    assert finding.fault.startswith(said)


def test_without_promtool_our_own_parser_decides(tmp_path: Path) -> None:
    (finding,) = of_the_grammar(check(changed(tmp_path, "sum(up")).report)
    assert finding.fault.startswith(f"is not PromQL for {PARSER}: ")


def of_the_grammar(report: Report) -> list[Finding]:
    return [one for one in report.findings if one.place == PLACE]


@pytest.mark.parametrize("program", ["/bin/false", "/nonexistent/promtool"])
def test_a_promtool_that_does_not_work_is_named(program: str) -> None:
    with pytest.raises(FileError, match=re.escape(program)):
        Promtool(program).refused(["up"])
