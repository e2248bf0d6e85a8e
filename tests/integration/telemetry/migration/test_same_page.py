"""A bot that followed the handbook's section 4 changes its import, and its /metrics page stays what it was."""

from pathlib import Path

from telemetry.contract import load_contract
from tests.integration.telemetry.migration.bots import SERVICES, bot_after, bot_before
from tests.integration.telemetry.migration.conftest import Move


def test_one_line_of_each_service_changes_and_no_other_file(tmp_path: Path) -> None:
    before, after = bot_before(tmp_path / "before"), bot_after(tmp_path / "after")
    for service in SERVICES:
        script = Path("backoffice", "services", service, "service.py")
        old, new = ((bot / script).read_text().splitlines() for bot in (before, after))
        changed = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
        assert changed == [("from services_common import metrics", "from telemetry import metrics")]
    assert _files(before) - _files(after) == {Path("services_common", name) for name in ("__init__.py", "metrics.py")}
    assert not _files(after) - _files(before)


def test_services_answer_as_before(move: Move) -> None:
    assert move.after.answers == move.before.answers
    assert move.after.content_type == move.before.content_type


def test_every_family_keeps_name_type_and_help(move: Move) -> None:
    shown = {name: (family.type, family.documentation) for name, family in move.before.families.items()}
    kept = {name: (family.type, family.documentation) for name, family in move.after.families.items()}
    assert len([name for name in shown if name.startswith("cdb_")]) == 37
    assert {name: kept.get(name) for name in shown} == shown


def test_every_series_keeps_labels_and_value(move: Move) -> None:
    before, after = move.before.series, move.after.series
    assert not before.keys() - after.keys()
    assert {key: after[key] for key in before if not _is_time(key)} == {
        key: value for key, value in before.items() if not _is_time(key)
    }


def test_times_are_measured_as_often_and_never_for_less_than_nothing(move: Move) -> None:
    times = [key for key in move.before.series if key[0].endswith("_duration_seconds_sum")]
    assert any(move.before.series[key] > 0 for key in times)
    for key in times:
        assert (move.after.series[key] > 0) == (move.before.series[key] > 0)


def test_what_is_new_is_zero_and_in_the_contract(move: Move) -> None:
    new = {key: move.after.series[key] for key in move.after.series.keys() - move.before.series.keys()}
    # prometheus_client shows no sum where a bucket is negative.
    assert {name for (name, _), value in new.items() if value != 0} <= {"cdb_trade_pnl_usd_sum"}
    extensions = {metric.prometheus.removesuffix("_total") for metric in load_contract().metrics if metric.extension}
    assert move.after.families.keys() - move.before.families.keys() == extensions


def _is_time(key: tuple[str, frozenset[tuple[str, str]]]) -> bool:
    """Whether the value is how long something took, which no two runs share; how often stays comparable."""
    name, labels = key
    if name.endswith("_duration_seconds_bucket"):
        return dict(labels)["le"] != "+Inf"
    return name.endswith("_duration_seconds_sum")


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
