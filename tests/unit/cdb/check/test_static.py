"""What is committed asks only for what exists; each mistake is refused by name."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cdb.check.known_metrics import load
from cdb.check.static import check
from cdb.main import assembled
from telemetry.contract import load_contract
from tests.support.copies import RISK, copy_project, query
from tests.support.paths import ROOT
from tests.unit.cdb.check.mutation import Mutation
from tests.unit.cdb.check.mutations import MUTATIONS
from tests.unit.cdb.check.wrong_settings import limit


def test_what_is_committed_asks_only_for_what_exists() -> None:
    report = check(ROOT).report
    assert report.findings == []
    assert report.looked_at["dashboards"] == 4
    assert report.looked_at["panels"] >= 50
    assert report.looked_at["rules"] >= 21
    assert report.looked_at["selectors"] > 200


def test_no_metric_of_spans_has_to_be_there() -> None:
    """Without trades there is no signal, and without a signal no span: that is no fault of a dashboard."""
    metrics = load(ROOT, load_contract()).metrics
    of_spans = [known for name, known in metrics.items() if re.match(r"otelcol_\w+_spans(_total)?$", name)]
    assert len(of_spans) > 8
    assert [known.name for known in of_spans if not known.rare] == []


def test_an_unchanged_copy_is_clean(tmp_path: Path) -> None:
    """Or the next test would find what is wrong with the copying."""
    assert check(copy_project(tmp_path)).report.findings == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mistake_is_refused_by_file_place_and_nearest_right_name(mutation: Mutation, tmp_path: Path) -> None:
    root = copy_project(tmp_path)
    mutation.change(root)
    findings = check(root).report.findings
    matching = [
        finding
        for finding in findings
        if finding.file == mutation.file
        and mutation.place in finding.place
        and mutation.fault in finding.fault
        and mutation.nearest in finding.nearest
    ]
    assert matching, "\n".join(map(str, findings)) or "nothing was found"


def test_a_limit_from_a_query_is_right(tmp_path: Path) -> None:
    root = copy_project(tmp_path)
    limit()(root)
    assert check(root).report.findings == []


def test_a_fallback_is_as_good_as_a_word(tmp_path: Path) -> None:
    root = copy_project(tmp_path)
    query(RISK, "Circuit Breaker", "max(", "max(cdb_equity_usd) or max(")(root)
    assert check(root).report.findings == []


def test_an_address_that_would_not_be_asked_is_refused() -> None:
    said = CliRunner().invoke(assembled(("check",)), ["check", "dashboards", "--prometheus", "http://127.0.0.1:1"])
    assert said.exit_code == 2
    assert "add --depth contract or --depth live" in said.output
