"""What the guide tells its reader to copy does what the guide says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

from tests.integration.telemetry.migration.bots import SERVICES, WORK, ask, bot_after, bot_before, run_shell, running
from tests.integration.telemetry.migration.guide import block, blocks
from tests.integration.telemetry.migration.otlp import receiver
from tests.support.paths import ROOT
from tests.support.waiting import until

ADDRESS: Final = "http://127.0.0.1:8002"
ENDPOINT: Final = "http://127.0.0.1:4317"
TOKEN: Final = "a-token-for-this-test"
NOTHING_GONE: Final = [
    "families that are gone or have changed:",
    "series that are gone:",
    "values that the contract does not know:",
]
SERVICE: Final = Path("backoffice", "services", "risk_manager", "service.py")


def test_no_python_block_is_without_a_test() -> None:
    assert set(blocks("python")) == {
        "Start telemetry",
        "Metrics that are not in the contract",
        "Metrics that are not in the contract 2",
        "Several processes",
    }


def test_pages_saved_and_compared_as_the_guide_says_miss_nothing(tmp_path: Path) -> None:
    before, after = bot_before(tmp_path / "before"), bot_after(tmp_path / "after")
    with _risk_manager_that_worked(before) as address:
        run_shell(block("sh", "Change the import").replace(ADDRESS, address), tmp_path)
    with _risk_manager_that_worked(after) as address:
        compared = run_shell(block("sh", "Compare").replace(ADDRESS, address), tmp_path)
        for title in ("Checklist", "Checklist 3"):
            assert not run_shell(block("sh", title).replace(ADDRESS, address), tmp_path)
    assert compared.splitlines() == NOTHING_GONE


def test_comparison_names_what_is_gone_changed_or_other(tmp_path: Path) -> None:
    (tmp_path / "before.txt").write_text(
        "# HELP cdb_a One\n# TYPE cdb_a gauge\ncdb_a 1.0\n# HELP cdb_b Two\n# TYPE cdb_b gauge\n"
        "# TYPE cdb_b_created gauge\ncdb_b_created 1.7e+09\n"
    )
    after = '# HELP cdb_b Two\n# TYPE cdb_b counter\ncdb_b{symbol="other"} 3.0\n'
    first, *rest = block("sh", "Compare").splitlines(keepends=True)
    assert first.startswith("curl "), "the first line fetches the page"
    (tmp_path / "after.txt").write_text(after)
    families, series, values = NOTHING_GONE
    assert run_shell("".join(rest), tmp_path).splitlines() == [
        families,
        "# HELP cdb_a One",
        "# TYPE cdb_a gauge",
        "# TYPE cdb_b gauge",
        series,
        "cdb_a",
        values,
        'cdb_b{symbol="other"} 3.0',
    ]


def test_started_telemetry_sends_its_own_metrics_until_the_last_moment(tmp_path: Path) -> None:
    bot = bot_after(tmp_path / "bot")
    script = bot / SERVICE
    source, start = script.read_text(), block("python", "Start telemetry")
    with receiver() as received:
        script.write_text(source.split("if __name__")[0] + start.replace(ENDPOINT, received.endpoint))
        with running(script, tmp_path / "log", {"CDB_OTLP_TOKEN": TOKEN}) as address:
            page = ask(f"{address}/metrics")[0].decode()
            until(lambda: received.metrics, what="the first export")
            for path, body in WORK["risk_manager"]:
                ask(address + path, body)
    assert 'cdb_signals_evaluated_total{symbol="ETHUSDT"} 0.0' in page
    assert 'cdb_data_staleness_seconds{source="mexc_ws"} 0.0' in page
    assert "cdb_signals_generated_total" not in page, "the signal engine's"
    assert received.tokens == {f"Bearer {TOKEN}"}
    sent = received.metrics["cdb_risk:8002"]
    assert sum(point.as_double for point in sent["cdb.signals.evaluated"].sum.data_points) == 4
    assert sent["cdb.circuit_breaker.active"].gauge.data_points[0].as_double == 1


def test_scrape_takes_each_metric_one_way() -> None:
    services, collector = yaml.safe_load(block("yaml", "Send to the collector"))["scrape_configs"]
    assert services["metric_relabel_configs"] == [{"source_labels": ["__name__"], "regex": "cdb_.*", "action": "drop"}]
    assert collector["honor_labels"] is True


def test_entry_of_the_guide_makes_an_instrument(tmp_path: Path) -> None:
    for folder in ("telemetry", "otel-collector", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "telemetry" / "contract.yaml").open("a", encoding="utf-8") as contract:
        contract.write(block("yaml", "Metrics that are not in the contract"))
    _python("-m", "telemetry.generate", folder=tmp_path)
    show = "\nprint(metrics.get_metrics().decode())"
    page = _python("-c", block("python", "Metrics that are not in the contract") + show, folder=tmp_path)
    assert 'cdb_win_rate_pct{strategy="momentum_v1"} 55.0' in page


def test_metrics_in_a_registry_of_their_own_join_the_page() -> None:
    code = block("python", "Metrics that are not in the contract 2")
    page = _python("-c", code + "\nqueue_length.set(3)\nprint(page().decode())")
    assert "\nbot_queue_length 3.0\n" in page
    assert "\ncdb_daily_drawdown_pct 0.0\n" in page
    types = [line for line in page.splitlines() if line.startswith("# TYPE ")]
    assert len(types) == len(set(types)), "no family is there twice"


FORKS: Final = """
from types import SimpleNamespace

server = SimpleNamespace(WORKERS={})


def spawn(errors):
    worker = SimpleNamespace()
    pre_fork(server, worker)
    pid = os.fork()
    if pid == 0:
        post_fork(server, worker)
        from telemetry import metrics
        metrics.signal_errors.labels(error_type='handler').inc(errors)
        worker_exit(server, worker)
        os._exit(0)
    server.WORKERS[pid] = worker
    return pid


first, second = spawn(1), spawn(2)
assert os.waitpid(first, 0)[1] == 0
server.WORKERS.pop(first)
third = spawn(4)
assert [os.waitpid(pid, 0)[1] for pid in (second, third)] == [0, 0]
"""


def test_each_forked_worker_sends_as_itself_and_its_successor_as_the_same() -> None:
    with receiver() as received:
        hooks = block("python", "Several processes").replace(ENDPOINT, received.endpoint)
        _python("-c", hooks + FORKS, CDB_OTLP_TOKEN=TOKEN)
    counted = {
        instance: sum(point.as_double for point in sent["cdb.signal.errors"].sum.data_points)
        for instance, sent in received.metrics.items()
    }
    assert counted == {"cdb_core:8001/0": 4, "cdb_core:8001/1": 2}


def test_roll_back_gives_the_old_bot(tmp_path: Path) -> None:
    bot = bot_before(tmp_path / "bot")
    old = {service: _source(bot, service) for service in SERVICES}
    run_shell(block("sh", "Change the import 2"), bot)
    assert all(_source(bot, service) != old[service] for service in SERVICES)
    run_shell(block("sh", "Roll back"), bot)
    assert {service: _source(bot, service) for service in SERVICES} == old


@contextmanager
def _risk_manager_that_worked(bot: Path) -> Iterator[str]:
    with running(bot / SERVICE, bot / "log") as address:
        for path, body in WORK["risk_manager"]:
            ask(address + path, body)
        yield address


def _source(bot: Path, service: str) -> str:
    return (bot / "backoffice" / "services" / service / "service.py").read_text()


def _python(*arguments: str, folder: Path = ROOT, **environment: str) -> str:
    """Run Python in a fresh process that finds the project in *folder*, and return what it printed."""
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
