"""Alerts on their way: a real Alertmanager routes, inhibits and tells; the real console keeps."""

import copy
import email
import email.policy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from cdb.main import assembled
from tests.integration.monitoring.alertmanager import Alerting, name_of, running_alerting
from tests.integration.monitoring.alerts.test_routing import committed
from tests.support.cli import run_cdb
from tests.support.consoles import variables
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.integration

COLLECTOR: Final = {"alertname": "CollectorDown", "severity": "critical", "component": "telemetry"}
REDIS: Final = {"alertname": "RedisUnavailable", "severity": "critical", "component": "message_bus"}
POSTGRES: Final = {"alertname": "DatabaseConnectionFailures", "severity": "critical", "component": "database"}
STALE: Final = {"alertname": "StaleMarketData", "severity": "warning", "component": "market_data"}
EXPORTS: Final = {"alertname": "TelemetryExportsFailing", "severity": "warning", "component": "telemetry"}
COLLECTOR_DATA: Final = {"alertname": "CollectorRefusesData", "severity": "warning", "component": "telemetry"}
DRAWDOWN: Final = {"alertname": "DailyDrawdownLimitExceeded", "severity": "critical", "component": "risk_engine"}
MILESTONE: Final = {"alertname": "PositivePnLMilestone", "severity": "info", "component": "trading"}
Labels = dict[str, str]


def still(reason: str) -> Labels:
    return {"alertname": "TradingStandsStill", "severity": "warning", "component": "risk_engine", "reason": reason}


def down(service: str) -> Labels:
    return {"alertname": "ServiceDown", "severity": "critical", "component": service, "service": service}


def missing(service: str) -> Labels:
    return {"alertname": "ServiceMetricsMissing", "severity": "warning", "component": "telemetry", "service": service}


def slow(service: str) -> Labels:
    return {"alertname": "HighEventProcessingLatency", "severity": "warning", "component": service, "service": service}


ALL_DOWN: Final = tuple(down(service) for service in ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution"))
# What fires first, what follows from it, and what has a cause of its own, in the order of the committed rules.
CASES: Final = (
    (REDIS, (*ALL_DOWN, STALE), (DRAWDOWN, EXPORTS, COLLECTOR_DATA)),
    (POSTGRES, (down("cdb_risk"), down("cdb_execution")), (down("cdb_ws"), down("cdb_core"), DRAWDOWN)),
    (down("cdb_core"), (missing("cdb_core"), slow("cdb_core")), (missing("cdb_ws"), slow("cdb_ws"), STALE, EXPORTS)),
    (down("cdb_ws"), (STALE,), (DRAWDOWN, slow("cdb_risk"))),
    (down("cdb_risk"), (still("NOT_EVALUATED"),), (DRAWDOWN, still("NO_SIGNALS"), still("EXPOSURE_LIMIT"))),
    (COLLECTOR, (missing("cdb_ws"), missing("cdb_risk"), EXPORTS), (down("cdb_core"), STALE, DRAWDOWN)),
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerting]:
    with running_alerting(tmp_path_factory.mktemp("alerting")) as running:
        yield running


@pytest.fixture
def alerting(pair: Alerting) -> Iterator[Alerting]:
    """Hand out the pair; nothing fires before a test, nor after it."""
    pair.quiet()
    yield pair
    pair.quiet()


def fresh(labels: Labels, test: str) -> Labels:
    """The labels of an alert that no other test has used."""
    return {**labels, "test": test}


def test_every_inhibition_has_a_case() -> None:
    rules = committed()["inhibit_rules"]
    assert len(rules) == len(CASES)
    for rule, (source, _, _) in zip(rules, CASES, strict=True):
        assert f'alertname="{source["alertname"]}"' in rule["source_matchers"]


@pytest.mark.parametrize(("source", "follow", "own"), CASES, ids=[name_of(case[0]) for case in CASES])
def test_what_follows_from_an_alert_is_held_back_and_what_does_not_is_not(
    alerting: Alerting, source: Labels, follow: tuple[Labels, ...], own: tuple[Labels, ...]
) -> None:
    wanted = {name_of(one): one in follow for one in (source, *follow, *own)}
    alerting.post(source)
    alerting.post(*own, *follow)
    assert alerting.settled() == wanted


@pytest.mark.parametrize(("source", "follow", "own"), CASES, ids=[name_of(case[0]) for case in CASES])
def test_without_its_rule_what_follows_is_told(
    alerting: Alerting, source: Labels, follow: tuple[Labels, ...], own: tuple[Labels, ...]
) -> None:
    """So that the test above means something: each rule has its share in it."""
    whole = alerting.configuration()
    less = copy.deepcopy(whole)
    del less["inhibit_rules"][CASES.index((source, follow, own))]
    alerting.reload(less)
    try:
        for labels in follow:  # one at a time: some hold back others
            one = fresh(labels, f"without {name_of(source)}")
            alerting.post(source)
            alerting.post(one)
            alerting.receives(one)
            alerting.quiet()
    finally:
        alerting.reload(whole)


def test_of_a_group_only_what_is_not_held_back_is_told(alerting: Alerting) -> None:
    """PostgreSQL is away, so risk and execution are down; that core is down, too, has another cause."""
    alerting.post(POSTGRES)
    alerting.settled()
    telling, silent = fresh(down("cdb_core"), "group"), fresh(down("cdb_risk"), "group")
    alerting.post(silent, telling)
    alerting.receives(telling)
    alerting.post(telling, ended=True)
    alerting.receives(telling, "resolved")
    assert [one for one in alerting.received() if one["labels"] == silent] == []


def test_what_was_held_back_is_told_when_its_cause_is_over(alerting: Alerting) -> None:
    follower = fresh(down("cdb_risk"), "afterwards")
    alerting.post(POSTGRES)
    alerting.post(follower)
    until(alerting.held_back, holds=lambda seen: seen.get(name_of(follower), False), what="held back")
    alerting.post(POSTGRES, ended=True)
    alerting.receives(follower)


@pytest.mark.parametrize("labels", [DRAWDOWN, STALE, MILESTONE], ids=lambda labels: labels["severity"])
def test_every_severity_reaches_the_console_when_it_begins_and_when_it_ends(alerting: Alerting, labels: Labels) -> None:
    one = fresh(labels, "arrives")
    alerting.post(one)
    began = alerting.receives(one)
    assert (began["receiver"], began["severity"], began["ended_at"]) == (one["severity"], one["severity"], None)
    assert began["annotations"]["summary"] == f"{one['alertname']} in short"
    alerting.post(one, ended=True)
    ended = alerting.receives(one, "resolved")
    assert ended["ended_at"] is not None
    assert alerting.receives(one)["ended_at"] == ended["ended_at"]


def test_what_alertmanager_repeats_is_kept_once_and_counted(alerting: Alerting) -> None:
    one = fresh(DRAWDOWN, "repeated")
    alerting.post(one)

    def found() -> list[int]:
        return [seen["times"] for seen in alerting.received() if seen["labels"] == one]

    until(found, holds=lambda times: len(times) == 1 and times[0] >= 2, what="a repeat")


def test_notifications_survive_the_console_and_none_is_lost_while_it_is_away(alerting: Alerting) -> None:
    before, meanwhile = fresh(DRAWDOWN, "before"), fresh(DRAWDOWN, "meanwhile")
    alerting.post(before)
    first = alerting.receives(before)
    alerting.stack.stop_part("cdb_console")
    alerting.post(meanwhile)
    alerting.stack.start_part("cdb_console")
    assert alerting.stack.wait_ready(60) is None
    alerting.receives(meanwhile)
    kept = alerting.receives(before)
    assert {name: kept[name] for name in ("id", "received_at")} == {name: first[name] for name in ("id", "received_at")}


def test_the_console_ends_in_order_when_it_is_told_to(alerting: Alerting) -> None:
    alerting.stack.stop_part("cdb_console")
    last = json.loads(alerting.stack.log_tail("cdb_console", 1)[0])
    alerting.stack.start_part("cdb_console")
    assert alerting.stack.wait_ready(60) is None
    assert (last["event"], last["service"]) == ("stopped", "cdb_console")


def test_the_log_of_the_console_has_every_notification(alerting: Alerting) -> None:
    one = {**fresh(MILESTONE, "logged"), "component": "logged"}
    alerting.post(one)
    alerting.receives(one)
    events = [json.loads(line) for line in alerting.stack.log_tail("cdb_console", 50)]
    assert [event["summary"] for event in events if event.get("component") == "logged"][:1] == [
        "PositivePnLMilestone in short"
    ]


def test_slack_is_told_of_critical_and_warning_in_words_that_read_well(alerting: Alerting) -> None:
    silent, warning = fresh(MILESTONE, "slack"), {**STALE, "alertname": "SlackIsTold"}
    alerting.post(silent)
    alerting.receives(silent)
    alerting.post(warning)
    alerting.receives(warning)
    message = slack_about(alerting, "WARNING: SlackIsTold")
    assert message["color"] == "danger"
    told = alerting.receives(warning)
    began = told["starts_at"][:19].replace("T", " ")
    assert message["text"].splitlines() == [
        "FIRING: SlackIsTold in short",
        "SlackIsTold at length, 7.25 %.",
        f"Since: {began} UTC",
        "Component: market_data",
        "What to do: http://localhost:8010/runbooks/SlackIsTold",
        "Dashboard: http://localhost:8010/d/cdb-system-health",
        f"Silence: http://localhost:8010/act/silence?fingerprint={told['fingerprint']}",
    ]
    alerting.post(warning, ended=True)
    assert slack_about(alerting, "RESOLVED: SlackIsTold")["color"] == "good"
    assert not [seen for seen in alerting.outside.slack if "PositivePnLMilestone" in json.dumps(seen)]


def slack_about(alerting: Alerting, title: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [one for message in alerting.outside.slack for one in message["attachments"] if one["title"] == title]

    return until(found, what=f"{title!r} at Slack")[-1]


def test_an_e_mail_says_what_has_begun_and_what_has_ended(alerting: Alerting) -> None:
    ends, stays = ({**down(service), "alertname": "MailIsSent"} for service in ("cdb_ws", "cdb_core"))
    alerting.post(ends, stays)
    mail_about(alerting, "CRITICAL: MailIsSent (2 firing, 0 resolved)")
    alerting.post(ends, ended=True)
    message = mail_about(alerting, "CRITICAL: MailIsSent (1 firing, 1 resolved)")
    assert (message["From"], message["To"]) == ("bot@example.com", "operator@example.com")
    assert message.get_content_type() == "multipart/alternative"
    (part,) = message.iter_parts()
    text = part.get_content()
    firing, resolved = text.split("RESOLVED: ", maxsplit=1)
    assert "FIRING: MailIsSent in short" in firing
    assert "Component: cdb_core" in firing
    assert "Component: cdb_ws" in resolved
    assert " UTC to 2" in resolved


def mail_about(alerting: Alerting, subject: str) -> email.message.EmailMessage:
    def found() -> list[email.message.EmailMessage]:
        read = [email.message_from_string(raw, policy=email.policy.default) for raw in alerting.outside.mails]
        return [message for message in read if message["Subject"] == subject]

    return until(found, what=f"an e-mail {subject!r}")[-1]


def cdb_alerts(alerting: Alerting, *arguments: str, **environment: str) -> Result:
    """Run the command in this process, which is quicker, against the pair."""
    given = {**alerting.stack.config.ports.environment(), "CDB_STATE_DIR": "/nonexistent", "COLUMNS": "250"}
    return CliRunner(env={**given, **environment}).invoke(assembled(), ["alerts", *arguments])


def received_drawdown(alerting: Alerting, case: str) -> dict[str, str]:
    """Raise an alert that is new in this run, and wait until the receiver has it; returns its labels."""
    labels = fresh(DRAWDOWN, case)
    alerting.post(labels)
    alerting.receives(labels)
    return labels


def test_cdb_alerts_shows_what_fires_what_is_held_back_and_what_was_received(alerting: Alerting) -> None:
    follower = fresh(down("cdb_risk"), "shown")
    alerting.post(POSTGRES)
    alerting.post(follower)
    until(alerting.held_back, holds=lambda seen: seen.get(name_of(follower), False), what="held back")
    alerting.receives(POSTGRES)
    before = received_drawdown(alerting, "earlier")
    alerting.post(before, ended=True)
    alerting.receives(before, "resolved")
    said = cdb_alerts(alerting, "--limit", "1000")  # other tests of the room may have had it told long before
    assert said.exit_code == 0, said.stderr
    firing, received = said.stdout.split("Received by the console, not firing now")
    (line,) = [line for line in firing.splitlines() if "ServiceDown" in line]
    assert "cdb_risk" in line
    assert "no, inhibited by DatabaseConnectionFailures" in line
    assert "DatabaseConnectionFailures in short" in firing
    assert "resolved" in next(line for line in received.splitlines() if "DailyDrawdownLimitExceeded" in line)


def test_cdb_alerts_lists_each_alert_once(alerting: Alerting) -> None:
    """One that fires, one that has ended, and one of which nobody has told that it ended."""
    names = ("ListedFiring", "ListedEnded", "ListedLost")
    fires, ends, lost = ({**DRAWDOWN, "alertname": name} for name in names)
    alerting.post(fires, ends, lost)
    for one in (fires, ends, lost):
        alerting.receives(one)
    alerting.post(ends, ended=True)
    alerting.receives(ends, "resolved")
    alerting.stack.stop_part("cdb_console")
    alerting.post(lost, ended=True)
    until(alerting.held_back, holds=lambda seen: name_of(lost) not in seen, what="the end at Alertmanager")
    alerting.stack.stop_part("alertmanager")  # which would try again to tell it
    alerting.stack.start_part("cdb_console")
    alerting.stack.start_part("alertmanager")
    assert alerting.stack.wait_ready(60) is None
    alerting.post(fires)
    until(alerting.held_back, holds=lambda seen: name_of(fires) in seen, what="the alert that goes on")
    said = cdb_alerts(alerting, "--limit", "1000").stdout
    lines = {name: [line for line in said.splitlines() if name in line] for name in names}
    assert {name: len(found) for name, found in lines.items()} == dict.fromkeys(names, 1), said
    firing, _, _ = said.partition("Received by the console")
    assert [name for name in names if name in firing] == ["ListedFiring"]
    assert "resolved" in lines["ListedEnded"][0]
    assert "not firing" in lines["ListedLost"][0]


def test_cdb_alerts_in_json_has_all_of_it(alerting: Alerting) -> None:
    one = received_drawdown(alerting, "json")
    found = json.loads(cdb_alerts(alerting, "--json").stdout)
    assert [(seen["alertname"], seen["state"], seen["labels"]) for seen in found["firing"]] == [
        ("DailyDrawdownLimitExceeded", "active", one)
    ]
    # Not the newest: the end of what other tests had told may be told meanwhile.
    assert one in [seen["labels"] for seen in found["received"]]
    assert found["total"] >= 1
    assert found["problems"] == []


def test_cdb_alerts_can_be_asked_for_the_last_minutes_and_for_fewer(alerting: Alerting) -> None:
    received_drawdown(alerting, "since")
    for since, wanted in (("9999-12-31T00:00:00Z", 0), ("1h", 1)):
        said = cdb_alerts(alerting, "--json", "--limit", "1", "--since", since)
        assert len(json.loads(said.stdout)["received"]) == wanted
    assert "No notification since that time." in cdb_alerts(alerting, "--since", "9999-12-31T00:00:00Z").stdout


@pytest.mark.parametrize("since", ["", "yesterday", "2026-11-23T10:00:00", "5", "-5m", "999999999d"])
def test_cdb_alerts_says_what_since_may_be(since: str) -> None:
    said = CliRunner(env={"COLUMNS": "250"}).invoke(assembled(), ["alerts", f"--since={since}"])
    assert said.exit_code == 2
    assert "a duration up to 3650d (90s, 15m, 7d) or a timestamp with a time zone" in said.output


def test_cdb_alerts_without_a_stack_is_one_line_and_exit_code_3() -> None:
    said = run_cdb("alerts", environment={"CDB_ALERTMANAGER_PORT": "1", "CDB_CONSOLE_PORT": "2"})
    assert said.returncode == 3
    (line,) = said.stderr.splitlines()
    assert "Alertmanager at http://127.0.0.1:1 does not answer" in line
    assert "the console at http://127.0.0.1:2 does not answer" in line
    assert "`cdb status`" in line


def test_cdb_alerts_shows_what_one_of_the_two_knows(alerting: Alerting) -> None:
    received_drawdown(alerting, "half")
    said = cdb_alerts(alerting, "--limit", "1000", CDB_ALERTMANAGER_PORT="1")
    assert said.exit_code == 3
    assert "DailyDrawdownLimitExceeded in short" in said.stdout
    assert "Alertmanager at http://127.0.0.1:1 does not answer" in said.stderr


def test_cdb_alerts_says_if_somebody_else_answers(alerting: Alerting) -> None:
    receiver = str(alerting.stack.config.ports.cdb_console)
    said = cdb_alerts(alerting, CDB_ALERTMANAGER_PORT=receiver, CDB_CONSOLE_PORT="1")
    assert (said.exit_code, len(said.stderr.splitlines())) == (3, 1)
    assert "answered 404: is it Alertmanager?" in said.stderr


def test_a_console_without_a_place_for_its_data_says_so_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "console"],
        cwd=ROOT, env=variables(Path("/nonexistent")), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.startswith("CDB_CONSOLE_DATA='/nonexistent' cannot be used: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_test_notification_reaches_console_slack_and_mail(alerting: Alerting) -> None:
    said = cdb_alerts(alerting, "test", "--json")
    assert said.exit_code == 0, said.stderr
    found = json.loads(said.stdout)
    assert found["outcomes"] == {"webhook": "delivered", "slack": "delivered", "email": "delivered"}
    assert slack_about(alerting, f"CRITICAL: {found['alertname']}")
    assert mail_about(alerting, f"CRITICAL: {found['alertname']}")


def test_a_test_notification_that_a_receiver_refuses_is_told(alerting: Alerting) -> None:
    alerting.stack.stop_part("cdb_console")
    try:
        said = cdb_alerts(alerting, "test")
    finally:
        alerting.stack.start_part("cdb_console")
    assert alerting.stack.wait_ready(60) is None
    assert (said.exit_code, len(said.stderr.splitlines())) == (3, 1)
    assert "the console at http" in said.stderr
