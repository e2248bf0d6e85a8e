"""On a whole bot that trades: the checklist is green, each item fails for its cause, and a backup brings all back."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg2 import sql

from cdb.alerts import trial
from cdb.doctor import alerting, boards, machine, parts, settings
from cdb.doctor.findings import Verdict
from cdb.kit.paths import DASHBOARDS
from cdb.running.base import RunningStack
from cdb.running.native import Ports, known_settings
from cdb.running.stack import running_stack
from tests.support.backups import drawn_before
from tests.support.bot import LIVELY, Bot, running_bot
from tests.support.checklist import assert_ready, failed, verdicts
from tests.support.copies import copy_project
from tests.support.operations import steps, type_in
from tests.support.paths import ROOT
from tests.support.programs import required_program
from tests.support.waiting import until
from tests.system.native.conftest import OFTEN

pytestmark = pytest.mark.e2e

NAMED_EXCEPTIONS: Final = {"grafana", "env", "settings", "test-endpoints", "clock", "resources", "firing"}
"""What may be a warning here: no Grafana on Debian, the demo's endpoints, no chrony.

An isolated bot does not have the settings of .env, which is the operator's own, if there is one.
And what is the test machine's: a small disk, so much load that an alert of latency fires.
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Run every part, trading; each test leaves all of them running."""
    with running_bot(tmp_path_factory.mktemp("operated"), {**LIVELY, **OFTEN}, parts=()) as bot:
        yield bot


@pytest.fixture
def stack(whole: Bot) -> Iterator[RunningStack]:
    whole.stack.start()
    whole.wait_healthy()
    with closing(found(whole)) as stack:
        yield stack


def found(whole: Bot, root: Path = ROOT) -> RunningStack:
    return running_stack(root, {"CDB_STATE_DIR": str(whole.stack.config.state_dir)}).require_running()


def test_on_a_healthy_bot_nothing_fails_and_only_the_named_exceptions_warn(whole: Bot) -> None:
    """Repeated for a while, because rules and traces need a minute after the start."""
    result = whole.cdb("doctor", "--json", "--wait", "150", within_s=300)
    assert_ready(result, stack="native", exceptions=NAMED_EXCEPTIONS)


def test_the_notification_is_seen_at_the_receiver(whole: Bot, stack: RunningStack) -> None:
    assert alerting.notification(stack).verdict is Verdict.OK
    _, kept = whole.ask("cdb_console", "/api/notifications?limit=1000")
    ours = [one for one in kept["notifications"] if one["alertname"].startswith(trial.TEST_ALERT)]
    assert {(one["severity"], one["receiver"]) for one in ours} == {("info", "info")}


@contextmanager
def without(whole: Bot, part: str) -> Iterator[None]:
    whole.stack.stop_part(part)
    try:
        yield
    finally:
        whole.stack.start_part(part)
        until(lambda: next(seen for seen in whole.stack.status() if seen.name == part).ready, what=f"{part} ready")


def test_every_command_of_the_decision_table_runs(whole: Bot) -> None:
    """Each as it stands there, but for this bot's ports and places; each ends well where nothing is wrong."""
    table = steps()
    assert len(table) >= 20
    for program, package in {"curl": "curl", "jq": "jq"}.items():
        required_program(program, package=package)
    said = {
        step.native: until(partial(run, whole, step.native), holds=step.is_well, within_s=120, what=step.native).stdout
        for step in table
    }
    assert [text for one, text in said.items() if "redis_up" in one] == ["redis_up 1\n"]


def run(whole: Bot, command: str) -> "subprocess.CompletedProcess[str]":
    ports = {str(default): str(whole.stack.config.ports[name]) for name, default in Ports().items()}
    here = re.sub(r"(?<=localhost:)(\d+)", lambda found: ports[found[1]], command)
    here = here.replace(".venv/bin/cdb", f"{sys.executable} -m cdb").replace(
        ".cdb/", f"{whole.stack.config.state_dir}/"
    )
    return type_in(here, whole.operators_environment())


def test_without_a_service_its_absence_is_named(whole: Bot, stack: RunningStack) -> None:
    with without(whole, "cdb_core"):
        assert "cdb_core" in failed(verdicts(stack, "parts")["parts"])
        until(
            lambda: verdicts(stack, "targets")["targets"],
            holds=lambda seen: seen.verdict is Verdict.FAIL and "cdb_core:8001" in seen.found,
        )
        assert "refused" in failed(verdicts(stack, "endpoints")["endpoints"])
    until(lambda: parts.targets(stack), holds=lambda seen: seen.verdict is Verdict.OK, what="all targets up")


def test_without_prometheus_each_item_that_asks_it_fails_and_the_others_do_not(whole: Bot, stack: RunningStack) -> None:
    asks = ("targets", "metrics", "rising", "dashboards", "rules", "alertmanager", "firing", "clock", "versions")
    with without(whole, "prometheus"):
        seen = verdicts(stack, *asks, "endpoints", "secrets")
    assert {name for name, finding in seen.items() if finding.verdict is Verdict.FAIL} == {*asks}
    assert all("Prometheus" in seen[name].found for name in asks), seen


@pytest.mark.parametrize("part", ["alertmanager", "cdb_console"])
def test_without_who_tells_no_notification_arrives(whole: Bot, stack: RunningStack, part: str) -> None:
    with without(whole, part):
        failed(verdicts(stack, "notification")["notification"])
        assert part in failed(verdicts(stack, "parts")["parts"])


def test_without_jaeger_no_trace_is_found(whole: Bot, stack: RunningStack) -> None:
    with without(whole, "jaeger"):
        assert "Jaeger" in failed(verdicts(stack, "trace")["trace"])


def test_a_password_that_the_ledger_refuses_is_named(whole: Bot, stack: RunningStack) -> None:
    with password_in_the_ledger(whole, "another-password"):
        assert "postgres: " in failed(parts.parts(stack))
    until(lambda: parts.parts(stack), holds=lambda seen: seen.verdict is Verdict.OK, what="every part healthy")


@contextmanager
def password_in_the_ledger(whole: Bot, password: str) -> Iterator[None]:
    """Let the ledger take another password than the settings have."""
    role = sql.Identifier(whole.stack.config.environment["POSTGRES_USER"])
    change = sql.SQL("ALTER ROLE {} PASSWORD %s").format(role)
    with closing(whole.connection()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(change, (password,))
            try:
                yield
            finally:
                cursor.execute(change, (whole.stack.config.environment["POSTGRES_PASSWORD"],))


def test_a_target_and_a_rule_that_are_in_the_files_but_not_loaded_are_named(whole: Bot, tmp_path: Path) -> None:
    root = copy_project(tmp_path)
    (root / "monitoring/prometheus/targets").mkdir(exist_ok=True)
    (root / "monitoring/prometheus/targets/redis.yml").write_text("- targets: [another:1]\n")
    (root / "monitoring/prometheus/rules/more.yml").write_text(
        "groups: [{name: more, rules: [{alert: NeverSeen, expr: up == 7}]}]\n"
    )
    with closing(found(whole, root)) as stack:
        assert "redis another:1 is not scraped" in failed(parts.targets(stack))
        assert "NeverSeen is not loaded" in failed(alerting.rules(stack))
        failed(boards.queries(stack))  # an alert without what the checker demands of one


def test_a_file_that_is_no_dashboard_is_a_warning(whole: Bot, tmp_path: Path) -> None:
    """As long as nothing else is wrong with what dashboards and alerts ask for."""
    root = copy_project(tmp_path)
    (root / DASHBOARDS / "mine.json").write_text('{"title": "x", "uid": "x", "refresh": false}')
    with closing(found(whole, root)) as stack:
        seen = until(
            lambda: boards.queries(stack), holds=lambda seen: seen.verdict is not Verdict.FAIL, what="no other fault"
        )
    assert seen.verdict is Verdict.WARN
    assert "1 faults: monitoring/dashboards/json/mine.json: the whole file: is not a dashboard" in seen.found


def test_what_differs_from_the_settings_of_now_is_a_warning(whole: Bot, tmp_path: Path) -> None:
    limits = {"MAX_DAILY_DRAWDOWN_PCT": "0.05", "MAX_POSITION_PCT": "0.09", "MAX_EXPOSURE_PCT": "0.50"}
    lines = {**whole.stack.config.environment, **limits, "CDB_OPENING_CASH": "50000"}
    lines = {name: value for name, value in lines.items() if name in known_settings.settings({}, ROOT)}
    (tmp_path / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in lines.items()))
    with closing(found(whole, tmp_path)) as stack:
        seen = settings.as_started(stack)
    assert seen.verdict is Verdict.WARN
    assert "MAX_POSITION_PCT was changed" in seen.found
    assert "CDB_OPENING_CASH" not in seen.found, "no restart applies it"


def test_what_the_account_does_not_take_over_is_a_warning(whole: Bot, stack: RunningStack) -> None:
    assert settings.account(stack).verdict is Verdict.OK
    place = {"CDB_STATE_DIR": str(whole.stack.config.state_dir), "CDB_OPENING_CASH": "50000"}
    with closing(running_stack(ROOT, place)) as now:
        seen = settings.account(now)
    assert seen.verdict is Verdict.WARN
    assert seen.found.startswith("CDB_OPENING_CASH=50000 has no effect: the account exists, and was opened with ")
    assert seen.advice.endswith("to delete the ledger and begin anew: cdb clean, cdb up")
    vars(stack)["settings"] = {**stack.settings, "CDB_SYMBOLS": "NEVERUSDT"}
    seen = until(lambda: settings.account(stack), holds=lambda seen: seen.verdict is Verdict.WARN, what="a position")
    assert "held, but not in CDB_SYMBOLS: " in seen.found
    vars(stack)["settings"] = {**stack.settings, "CDB_STRATEGIES": "mean_reversion_v1"}
    seen = until(lambda: settings.account(stack), holds=lambda seen: "strategies" in seen.found, what="a position")
    assert seen.found.endswith("only a stop loss sells what strategies hold that do not run: momentum_v1")


def test_a_part_on_every_address_of_the_machine_is_refused(stack: RunningStack) -> None:
    with socket.socket() as stranger:
        stranger.bind(("0.0.0.0", 0))  # noqa: S104  that is the fault
        stranger.listen()
        port = stranger.getsockname()[1]
        vars(stack)["listening"] = {**stack.listening, "grafana": port}
        seen = failed(machine.loopback(stack))
    assert f"grafana listens on 0.0.0.0:{port}" in seen


def test_a_backup_brings_back_ledger_metrics_and_notifications(whole: Bot, stack: RunningStack, tmp_path: Path) -> None:
    """What the dashboards showed before is shown after; what came after the backup is gone from the ledger."""
    whole.wait_trading()
    assert alerting.notification(stack).verdict is Verdict.OK
    oldest = whole.query("SELECT fill_id FROM fills ORDER BY fill_seq LIMIT 1")[0][0]
    saved = whole.cdb("backup", str(tmp_path), "--json")
    assert saved.returncode == 0, saved.stderr
    said = json.loads(saved.stdout)
    rows = said["manifest"]["ledger_rows"]
    begin = datetime.fromisoformat(said["manifest"]["made_at"]).timestamp() - 10
    before = drawn(whole, begin)
    notifications = told(whole)
    whole.wait_healthy()
    whole.wait_trading()
    newest = whole.query("SELECT fill_id FROM fills ORDER BY fill_seq DESC LIMIT 1")[0][0]
    assert whole.count("fills") > rows["fills"]

    whole.quiesce()
    refused = whole.cdb("restore", said["file"])
    assert (refused.returncode, refused.stderr.count("add --yes")) == (1, 1), refused.stderr
    restored = whole.cdb("restore", said["file"], "--yes", within_s=240)

    assert restored.returncode == 0, restored.stderr
    assert drawn(whole, begin) == before
    assert notifications <= told(whole)
    whole.wait_trading()
    assert whole.query("SELECT fill_id FROM fills ORDER BY fill_seq LIMIT 1")[0][0] == oldest
    assert whole.count("fills", f"fill_id = '{newest}'") == 0
    whole.quiesce()
    whole.audit()
    whole.go_on()


def test_after_a_restore_the_checklist_is_green_again(whole: Bot) -> None:
    result = whole.cdb("doctor", "--json", "--wait", "150", within_s=300)
    assert result.returncode == 0, result.stdout


def told(whole: Bot) -> set[tuple[str, str]]:
    _, kept = whole.ask("cdb_console", "/api/notifications?limit=1000")
    return {(one["alertname"], one["status"]) for one in kept["notifications"]}


def drawn(whole: Bot, at: float) -> list[Any]:
    answers = drawn_before(at, whole.prometheus)
    assert all(answers), "Prometheus shows nothing of that time"
    return answers
