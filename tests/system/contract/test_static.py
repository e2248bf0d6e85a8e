"""What Prometheus' and the collector's own tools say of the committed files and of what services and collector show."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cdb.running.native import Ports, StackConfig
from cdb.running.native import prometheus as native
from telemetry.contract import load_contract
from tests.support.collectors import CONFIG, RENAMING, collector_environment, running_collector
from tests.support.paths import ROOT
from tests.support.programs import collector_program, promtool
from tests.support.waiting import until
from tests.system.contract.comparison import deviations
from tests.system.contract.exposed import exposition
from tests.system.contract.facts import EXPOSED, facts
from tests.system.contract.recorders import recording

pytestmark = pytest.mark.integration

COMMITTED = ROOT / "monitoring" / "prometheus"


def containers(folder: Path) -> Path:
    """A copy of the configuration that is committed, as containers have it."""
    return Path(shutil.copytree(COMMITTED, folder / "prometheus")) / "prometheus.yml"


def this_machine(folder: Path) -> Path:
    """The configuration that `cdb up` makes of it."""
    config = StackConfig.isolated(ROOT, folder, parts=())
    config.layout.create()
    native.prepare(config)
    return config.layout.prometheus_conf / "prometheus.yml"


def says(*words: str | Path, given: str = "") -> tuple[int, str]:
    """Run promtool; return its exit code and all that it says."""
    command = [promtool(), *map(str, words)]
    run = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("configuration", [containers, this_machine])
def test_promtool_has_no_objection_to_the_configuration(tmp_path: Path, configuration: Callable[[Path], Path]) -> None:
    """Nor to its rules; and every file of targets is there, of which promtool only warns."""
    code, said = says("check", "config", "--lint=all", "--lint-fatal", configuration(tmp_path))
    assert code == 0, said
    assert "WARNING" not in said
    assert len(re.findall(r"SUCCESS: [1-9]\d* rules found", said)) == len(list((COMMITTED / "rules").glob("*.yml")))


@pytest.mark.parametrize(
    ("right", "wrong", "objection"),
    [
        ("honor_labels", "honour_labels", "honour_labels not found"),
        ("targets/redis.yml", "targets/cache.yml", 'WARNING: file "[^"]*targets/cache.yml"'),
        ("action: drop", "action: let_go", "let_go"),
    ],
)
@pytest.mark.parametrize("configuration", [containers, this_machine])
def test_promtool_finds_what_is_wrong_in_the_configuration(
    tmp_path: Path, configuration: Callable[[Path], Path], right: str, wrong: str, objection: str
) -> None:
    """So that having no objection means something."""
    file = configuration(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    assert re.search(objection, says("check", "config", file)[1])


def test_promtool_has_no_objection_to_the_rules() -> None:
    rules = sorted((COMMITTED / "rules").glob("*.yml"))
    assert rules
    for file in rules:
        code, said = says("check", "rules", "--lint=all", "--lint-fatal", file)
        assert code == 0, said


def test_promtool_has_no_objection_to_the_metrics(tmp_path: Path) -> None:
    """On the exposition and on every page; that includes all that is frozen, so no objection has to be allowed."""
    contract = load_contract()
    with running_collector(tmp_path / "log") as collector, recording(contract, collector) as services:
        until(
            lambda: not deviations(facts(contract), exposition(collector.exposition()), EXPOSED),
            what="all metrics exposed",
        )
        shown = {name: telemetry.exposition().decode() for name, telemetry in services.items()}
        shown["exposition"] = collector.exposition()
    for name, text in shown.items():
        assert says("check", "metrics", given=text) == (0, ""), name
        lines = text.splitlines(keepends=True)
        without_help = "".join(line for line in lines if not line.startswith("# HELP cdb_health_status"))
        code, said = says("check", "metrics", given=without_help)
        assert (code != 0, said.strip()) == (True, "cdb_health_status no help text"), name


def validated(*files: Path) -> subprocess.CompletedProcess[str]:
    """Have the collector check its configuration."""
    words = [word for file in files for word in ("--config", str(file))]
    return subprocess.run(
        [collector_program(), "validate", *words],
        env=collector_environment(Ports.default(), ROOT / "no-queue"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_collector_has_no_objection_to_its_configuration() -> None:
    """What it does not look at before it starts is in every test that starts it."""
    run = validated(CONFIG, RENAMING)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    ("file", "right", "wrong", "objection"),
    [
        (CONFIG, "max_recv_msg_size_mib: 4", "max_size_mib: 4", "max_size_mib"),
        (CONFIG, "UnderscoreEscapingWithoutSuffixes", "WithoutSuffixes", "translation_strategy"),
        (CONFIG, "filter/contract, ", "filter/contracts, ", "filter/contracts"),
        (RENAMING, "metric.is_monotonic == true", "metric.is_rising == true", "is_rising"),
        (RENAMING, "- set(metric.name,", "- put(metric.name,", "put"),
    ],
)
def test_collector_finds_what_is_wrong_in_its_configuration(
    tmp_path: Path, file: Path, right: str, wrong: str, objection: str
) -> None:
    text = file.read_text(encoding="utf-8")
    assert right in text
    changed = tmp_path / "changed.yaml"
    changed.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    run = validated(*(changed if one is file else one for one in (CONFIG, RENAMING)))
    assert run.returncode != 0
    assert objection in run.stderr
