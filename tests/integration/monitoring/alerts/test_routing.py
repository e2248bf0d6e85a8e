"""Who is told of an alert: Alertmanager's configuration, as it is committed and as a stack makes it."""

import copy
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cdb.running.native import StackConfig, StackError, alertmanager, envfile, select
from cdb.running.native.supervisor import render
from services import topology
from tests.integration.monitoring.alerts.promtool import alerts
from tests.support.paths import ROOT
from tests.support.programs import amtool

COMMITTED: Final = ROOT / "monitoring" / "alertmanager" / "alertmanager.yml"
LOCAL: Final = {"url": "http://cdb_console:8010/webhook", "send_resolved": True}
SLACK: Final = {"CDB_SLACK_WEBHOOK_URL": "https://hooks.example.com/services/T0/hush-slack"}
EMAIL: Final = {
    "CDB_SMTP_SMARTHOST": "mail.example.com:587",
    "CDB_SMTP_FROM": "bot@example.com",
    "CDB_SMTP_TO": "one@example.com, two@example.com",
    "CDB_SMTP_USER": "bot",
    "CDB_SMTP_PASSWORD": "hush-mail",
}
NEVER_HELD_BACK: Final = (
    *("DailyDrawdownLimitExceeded", "CircuitBreakerActivated", "ExposureLimitApproaching", "PositionSizeViolation"),
    *("RedisUnavailable", "DatabaseConnectionFailures", "CollectorDown"),
)


def committed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    return found


def prepared(state: Path, **settings: str) -> tuple[StackConfig, dict[str, Any]]:
    """A stack whose Alertmanager was made ready to start, and its configuration."""
    config = StackConfig.isolated(ROOT, state, parts=select(("alertmanager",)), environment=settings)
    config.layout.create()
    alertmanager.prepare(config)
    return config, yaml.safe_load((config.layout.alertmanager_conf / alertmanager.FILE).read_text(encoding="utf-8"))


def channels(configuration: dict[str, Any]) -> dict[str, set[str]]:
    """By which ways each receiver tells of an alert."""
    return {one["name"]: {key for key in one if key.endswith("_configs")} for one in configuration["receivers"]}


def run_amtool(*arguments: str) -> str:
    done = subprocess.run([amtool(), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_alertmanager_accepts_the_committed_file_without_any_secret() -> None:
    assert "SUCCESS" in run_amtool("check-config", str(COMMITTED))


@pytest.mark.parametrize("settings", [{}, SLACK, EMAIL, {**SLACK, **EMAIL}], ids=["none", "slack", "e-mail", "both"])
def test_alertmanager_accepts_what_a_stack_makes_of_it(tmp_path: Path, settings: dict[str, str]) -> None:
    config, _ = prepared(tmp_path, **settings)
    said = run_amtool("check-config", str(config.layout.alertmanager_conf / alertmanager.FILE))
    assert " - 1 templates" in said


@pytest.mark.parametrize(
    ("severity", "receiver"),
    [("critical", "critical"), ("warning", "warning"), ("info", "info"), ("unheard-of", "warning"), ("", "warning")],
)
def test_each_severity_has_its_receiver_and_none_is_lost(tmp_path: Path, severity: str, receiver: str) -> None:
    config, _ = prepared(tmp_path, **SLACK, **EMAIL)
    for file in (COMMITTED, config.layout.alertmanager_conf / alertmanager.FILE):
        said = run_amtool("config", "routes", "test", f"--config.file={file}", "alertname=X", f'severity="{severity}"')
        assert said == receiver


def test_grouping_and_times_are_the_fixed_ones() -> None:
    configuration = committed()
    assert configuration["global"] == {"resolve_timeout": "5m"}
    route = configuration["route"]
    assert {name: route[name] for name in route if name not in ("receiver", "routes")} == {
        "group_by": ["alertname", "severity"],
        "group_wait": "10s",
        "group_interval": "5m",
        "repeat_interval": "3h",
    }
    assert all(set(child) == {"matchers", "receiver"} for child in route["routes"]), "no other times below"


def test_every_receiver_tells_the_local_one_also_of_the_end() -> None:
    assert [one["webhook_configs"] for one in committed()["receivers"]] == [[LOCAL]] * 3


def test_without_secrets_a_stack_changes_nothing_but_the_address(tmp_path: Path) -> None:
    config, made = prepared(tmp_path)
    wanted = copy.deepcopy(committed())
    for receiver in wanted["receivers"]:
        receiver["webhook_configs"][0]["url"] = f"http://127.0.0.1:{config.ports.cdb_console}/webhook"
    assert made == wanted


def test_with_secrets_critical_goes_to_slack_and_e_mail_and_warning_to_slack(tmp_path: Path) -> None:
    _, made = prepared(tmp_path, **SLACK, **EMAIL)
    assert channels(made) == {
        "critical": {"webhook_configs", "slack_configs", "email_configs"},
        "warning": {"webhook_configs", "slack_configs"},
        "info": {"webhook_configs"},
    }
    assert all(way["send_resolved"] for one in made["receivers"] for key in one if key != "name" for way in one[key])


def test_one_secret_switches_on_one_way(tmp_path: Path) -> None:
    assert channels(prepared(tmp_path / "a", **SLACK)[1])["critical"] == {"webhook_configs", "slack_configs"}
    assert channels(prepared(tmp_path / "b", **EMAIL)[1])["critical"] == {"webhook_configs", "email_configs"}
    assert "email_configs" not in channels(prepared(tmp_path / "c", **EMAIL)[1])["warning"]


def test_a_secret_that_was_removed_is_gone_from_the_disk(tmp_path: Path) -> None:
    config, _ = prepared(tmp_path, **SLACK, **EMAIL)
    place = config.layout.alertmanager_conf
    assert {file.name for file in place.iterdir()} >= {"CDB_SLACK_WEBHOOK_URL", "CDB_SMTP_PASSWORD"}
    prepared(tmp_path)
    assert {file.name for file in place.iterdir()} == {alertmanager.FILE, "templates"}


def test_secrets_are_in_private_files_only(tmp_path: Path) -> None:
    config, _ = prepared(tmp_path, **SLACK, **EMAIL)
    place = config.layout.alertmanager_conf
    assert place.stat().st_mode & 0o077 == 0
    holding = {file.name for file in tmp_path.rglob("*") if file.is_file() and "hush" in file.read_text()}
    assert holding == {"CDB_SLACK_WEBHOOK_URL", "CDB_SMTP_PASSWORD"}
    assert all((place / name).stat().st_mode & 0o777 == 0o600 for name in (*holding, alertmanager.FILE))
    assert "hush" not in " ".join(alertmanager.command(config)) + render(config, "the socket's own")


def test_no_other_part_is_given_these_secrets() -> None:
    assert {"CDB_SLACK_WEBHOOK_URL", "CDB_SMTP_PASSWORD"} <= set(envfile.SECRETS)
    for part in select(()):
        assert not {"CDB_SLACK_WEBHOOK_URL", "CDB_SMTP_PASSWORD"} & set(part.secrets)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"CDB_SLACK_WEBHOOK_URL": "hush"}, "CDB_SLACK_WEBHOOK_URL is not a URL: it must look like https://"),
        ({**EMAIL, "CDB_SMTP_SMARTHOST": "mail"}, "CDB_SMTP_SMARTHOST='mail' is not a mail server: it must be host:"),
        ({**EMAIL, "CDB_SMTP_FROM": ""}, "CDB_SMTP_FROM has no e-mail address, but CDB_SMTP_SMARTHOST is set"),
        ({**EMAIL, "CDB_SMTP_TO": "me"}, "CDB_SMTP_TO has no e-mail address"),
        ({**EMAIL, "CDB_SMTP_REQUIRE_TLS": "no"}, "CDB_SMTP_REQUIRE_TLS='no' is invalid: it must be 0 or 1"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_and_a_secret_not_shown(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(StackError, match=re.escape(said)) as refused:
        prepared(tmp_path, **changed)
    assert "hush" not in str(refused.value)


def named(matchers: list[str], label: str) -> set[str]:
    """The values that *matchers* name of *label*."""
    found = [re.fullmatch(rf'{label}=~?"(.+)"', matcher) for matcher in matchers]
    return {value for match in found if match for value in match[1].split("|")}


@pytest.mark.parametrize("rule", committed()["inhibit_rules"], ids=lambda rule: str(rule["source_matchers"]))
def test_what_an_inhibition_names_exists(rule: dict[str, Any]) -> None:
    for side in ("source_matchers", "target_matchers"):
        assert named(rule[side], "alertname")
        assert named(rule[side], "alertname") <= set(alerts())
        assert named(rule[side], "service") <= set(topology.NAMES)


def test_what_endangers_the_account_is_never_held_back() -> None:
    targets = {name for rule in committed()["inhibit_rules"] for name in named(rule["target_matchers"], "alertname")}
    assert set(NEVER_HELD_BACK) <= set(alerts())
    assert targets.isdisjoint(NEVER_HELD_BACK)
