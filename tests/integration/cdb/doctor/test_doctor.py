"""Each item of `cdb doctor` that needs no whole bot fails for its cause, with what to do about it."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cdb.doctor import alerting, boards, machine, metrics, parts, settings, versions, watched
from cdb.doctor.checks import CHECKS
from cdb.doctor.findings import Finding, Verdict
from cdb.doctor.run import examine
from cdb.kit.paths import DASHBOARDS
from cdb.running.base import LedgerPrograms, RunningStack
from cdb.running.compose.engine import Container, published
from cdb.running.native import Health, PartStatus, Ports, envfile
from cdb.running.native_stack import NativeStack
from cdb.trace.model import Span, Trace
from services.clock import WallClock
from services.topology import NAMES as SERVICES
from telemetry.contract import load_contract
from tests.integration.cdb.fake_server import Answer, Answers, fake_server, vector
from tests.support.cli import run_cdb
from tests.support.copies import copy_project
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration

SECRETS = {name: f"cPqv93kd7TzW0mX{number}" for number, name in enumerate(envfile.SECRETS)}


def stack_on(ports: Ports, **changed: Any) -> RunningStack:
    """Give a stack that is what it says, with nothing behind it."""
    stack = NativeStack(ROOT, {"CDB_STATE_DIR": str(ROOT)})
    well = (PartStatus("cdb_ws", "running", Health(ok=True)),)
    known = {"parts": lambda: well, "changed_settings": list, "listening": {}, "settings": SECRETS, "ports": ports}
    vars(stack).update({**known, **changed})
    return stack


@contextmanager
def alone(**changed: Any) -> Iterator[RunningStack]:
    """Give a stack of which nothing answers."""
    with closing(stack_on(Ports.free(), **changed)) as stack:
        yield stack


@contextmanager
def where(answers: Answers, *names: str) -> Iterator[RunningStack]:
    """Give a stack whose ports called *names* answer so, and nothing else does."""
    with fake_server(answers) as port:
        answering = dict.fromkeys(names, port)
        with closing(stack_on(Ports(**{**Ports.free(), **answering}), listening=answering)) as stack:
            yield stack


def shows(**by_query: Answer) -> Answers:
    """Make a Prometheus that gives the first answer whose key is in the query."""

    def answers(_path: str, sent: Mapping[str, str], _headers: Mapping[str, str]) -> Answer:
        found = (answer for key, answer in by_query.items() if key in sent.get("query", ""))
        return next(found, vector())

    return answers


def up_for(seconds: float, answers: Answers) -> Answers:
    """Add services that started so many seconds ago to the Prometheus that gives *answers*."""
    started = f"process_start_time_seconds {time.time() - seconds}\n"

    def both(path: str, sent: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        return (200, started) if path == "/metrics" else answers(path, sent, headers)

    return both


def failed(finding: Finding) -> str:
    assert finding.verdict is Verdict.FAIL, finding
    assert finding.advice
    return finding.found


def warned(finding: Finding) -> str:
    assert finding.verdict is Verdict.WARN, finding
    assert finding.advice
    return finding.found


def test_where_nothing_answers_every_item_is_a_finding_and_none_a_crash() -> None:
    with alone() as stack:
        seen = {check.name: finding for check, finding in examine(stack)}
    assert [*seen] == [check.name for check in CHECKS]
    right = {name for name, finding in seen.items() if finding.verdict is not Verdict.FAIL}
    assert right - {"env"} == {*("parts", "grafana", "secrets", "settings", "effect", "shell", "loopback", "resources")}


def test_an_item_that_fails_is_looked_at_again_as_long_as_is_allowed() -> None:
    looks: list[float] = []
    states = iter([Health(ok=False, detail="starting"), Health(ok=True)])

    def look() -> tuple[PartStatus, ...]:
        looks.append(WallClock().now_ns())
        return (PartStatus("cdb_ws", "running", next(states)),)

    item = next(check for check in CHECKS if check.name == "parts")
    with alone(parts=look) as stack:
        [(_, finding)] = examine(stack, wait_s=60, checks=[item])
    assert (finding.verdict, len(looks)) == (Verdict.OK, 2)


def test_a_part_that_is_not_healthy_is_named_with_its_reason() -> None:
    sick = PartStatus("cdb_risk", "running", Health(ok=False, detail="ledger: no answer"))
    with alone(parts=lambda: (sick,)) as stack:
        assert failed(parts.parts(stack)) == "cdb_risk: ledger: no answer"


def test_a_service_that_shows_too_few_metrics_is_named() -> None:
    few = "# TYPE cdb_health_status gauge\ncdb_health_status 1\n"
    with where(lambda *_: (200, few), *SERVICES) as stack:
        assert "less than 10" in failed(parts.endpoints(stack))


def test_a_metric_of_the_contract_that_is_not_there_is_named() -> None:
    names = [
        f"{metric.prometheus}_count" if metric.type == "histogram" else metric.prometheus
        for metric in load_contract().metrics
    ]
    without = [name for name in names if name != "cdb_daily_drawdown_pct"]
    answers = shows(cdb_=vector(*(({"__name__": name}, 1) for name in without)))
    with where(up_for(600, answers), "prometheus", *SERVICES) as stack:
        assert failed(metrics.names(stack)) == "36 of 37; missing: cdb_daily_drawdown_pct"
    answers = shows(cdb_=vector(*(({"__name__": name}, 1) for name in names)))
    with where(up_for(600, answers), "prometheus", *SERVICES) as stack:
        assert metrics.names(stack).found == "37 of 37"


def asked_with(seconds: float, look: Callable[[RunningStack], Finding]) -> list[str]:
    """What Prometheus is asked by *look*, of services that started so many seconds ago."""
    queries: list[str] = []

    def answers(_path: str, sent: Mapping[str, str], _headers: Mapping[str, str]) -> Answer:
        queries.append(sent["query"])
        return vector()

    with where(up_for(seconds, answers), "prometheus", *SERVICES) as stack:
        failed(look(stack))
    return queries


def account_of(sources: str, *, held: str = "", **settings_now: str) -> Finding:
    """What is said of an account that has traded on *sources* and holds *held*."""

    def ask(statement: str) -> str:
        return sources if "sources" in statement else held if "DISTINCT symbol" in statement else ""

    programs = LedgerPrograms((), (), (), {}, ask)
    with alone(ledger_programs=lambda: programs, settings={**SECRETS, **settings_now}) as stack:
        return settings.account(stack)


def test_an_account_that_belongs_to_another_source_or_to_two_is_a_warning() -> None:
    assert account_of("mexc", CDB_SOURCE="mexc").found.startswith("trades come from mexc; ")
    assert account_of("").verdict is Verdict.OK
    said = warned(account_of("mexc"))
    assert said.startswith("the account was opened on mexc, but trades come from simulated now (CDB_SOURCE)")
    assert "write CDB_SOURCE=mexc into .env" in said
    said = warned(account_of("mexc,simulated", CDB_SOURCE="mexc"))
    assert said.startswith("the account has traded on mexc and on simulated: ")
    assert "To begin anew: " in said


def test_a_held_symbol_can_only_be_added_if_the_exchange_lists_it() -> None:
    on_the_simulator = account_of("simulated", held="XYZUSDT")
    assert "lists" not in on_the_simulator.advice
    on_mexc = account_of("mexc", held="XYZUSDT", CDB_SOURCE="mexc")
    assert warned(on_mexc) == "held, but not in CDB_SYMBOLS: XYZUSDT"
    assert on_mexc.advice.endswith("Only symbols that mexc lists can be added: with any other cdb_ws does not start")


def test_a_source_that_was_changed_is_not_just_to_be_applied() -> None:
    """As in a shell that lacks the setting of the start: a restart would trade on simulated prices."""
    changed = ["CDB_SOURCE was changed"]
    with alone(changed_settings=lambda: changed, settings={**SECRETS, "CDB_SOURCE": "mexc"}) as stack:
        finding = settings.as_started(stack)
    assert warned(finding) == "CDB_SOURCE was changed"
    assert finding.advice.startswith(
        "to keep mexc: write CDB_SOURCE=mexc into .env; another source needs a new account"
    )


def test_what_prometheus_does_not_show_yet_is_said_to_be_early() -> None:
    """A minute after the start it is a fault."""
    none = shows()

    def answers(path: str, sent: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        known = {"/api/v1/metadata": {}, "/api/v1/format_query": "", "/api/v1/status/buildinfo": {"version": "3"}}
        return (200, {"status": "success", "data": known[path]}) if path in known else none(path, sent, headers)

    for uptime, early in ((5, True), (600, False)):
        with where(up_for(uptime, answers), "prometheus", *SERVICES) as stack:
            finding = boards.queries(stack)
        assert failed(finding).startswith("not yet: ") is early
        assert ("cdb doctor --wait 2m" in finding.advice) is early


@pytest.mark.parametrize(("uptime", "window"), [(61, "[16s]"), (200, "[155s]"), (86_400, "[300s]")])
def test_metrics_from_before_the_start_do_not_count(uptime: float, window: str) -> None:
    """Nor what the collector shows for 45 s of a service that has ended."""
    (query,) = asked_with(uptime, metrics.names)
    assert window in query


@pytest.mark.parametrize(("uptime", "window"), [(61, "[61s]"), (86_400, "[300s]")])
def test_signals_from_before_the_start_do_not_count(uptime: float, window: str) -> None:
    queries = asked_with(uptime, metrics.rising)
    assert len(queries) == 3
    assert all(window in query for query in queries)


@pytest.mark.parametrize("uptime", [0, 3, 59])
def test_just_after_a_start_it_is_too_early_to_judge_the_metrics(uptime: float) -> None:
    with where(up_for(uptime, shows()), "prometheus", *SERVICES) as stack:
        said = re.match(r"the services started (\d+) s ago", failed(metrics.names(stack)))
        assert said is not None
        assert int(said[1]) >= uptime  # the test takes time, too


def test_a_service_that_does_not_say_when_it_started_is_named() -> None:
    with where(shows(), "prometheus", *SERVICES) as stack:
        (_, finding), *_ = examine(stack, checks=[check for check in CHECKS if check.name == "metrics"])
    assert "does not show process_start_time_seconds: is it cdb_ws?" in failed(finding)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ('cdb_data_staleness_seconds{source="x"} 31\n', "the newest market data is 31 s old; 30 s is the limit"),
        ('cdb_data_staleness_seconds{source="a"} 1\ncdb_data_staleness_seconds{source="b"} 9e3\n', "is 9000 s old"),
        ('cdb_data_staleness_seconds{source="simulated"} +Inf\n', "is inf s old"),
        ("cdb_health_status 1\n", "cdb_risk does not show cdb_data_staleness_seconds"),
        ("", "cdb_risk does not show cdb_data_staleness_seconds"),
    ],
)
def test_market_data_that_are_old_or_of_unknown_age_fail(shown: str, said: str) -> None:
    with where(lambda *_: (200, shown), "cdb_risk") as stack:
        assert said in failed(metrics.feed(stack))


@pytest.mark.parametrize("age", ["0.0", "29.9", "30"])
def test_market_data_that_are_fresh_are_well(age: str) -> None:
    with where(lambda *_: (200, f'cdb_data_staleness_seconds{{source="x"}} {age}\n'), "cdb_risk") as stack:
        assert metrics.feed(stack).verdict is Verdict.OK


def test_no_signals_fail_and_signals_without_trades_warn() -> None:
    with where(up_for(600, shows()), "prometheus", *SERVICES) as stack:
        assert "cdb_signals_generated_total +0" in failed(metrics.rising(stack))
    some = shows(signals=vector(({}, 7)), approved=vector(({}, 2)))
    with where(up_for(600, some), "prometheus", *SERVICES) as stack:
        assert "cdb_trades_executed_total +0" in warned(metrics.rising(stack))


@pytest.mark.parametrize(
    ("shown", "fault"),
    [
        ({"version": "2.31.1+ds"}, "Prometheus 2.31.1+ds is older than 2.42"),
        ({}, "Prometheus does not show its version (prometheus_build_info)"),
    ],
)
def test_a_server_that_is_too_old_is_named(shown: dict[str, str], fault: str) -> None:
    with where(shows(prometheus_build_info=vector((shown, 1))), "prometheus") as stack:
        assert fault in failed(versions.versions(stack.prometheus))


def test_services_of_several_versions_are_named() -> None:
    both = vector(({"service_version": "0.1.0"}, 1), ({"service_version": "0.2.0"}, 1))
    with where(shows(cdb=both), "prometheus") as stack:
        assert "services run in several versions: 0.1.0, 0.2.0" in failed(versions.versions(stack.prometheus))


def test_a_version_that_was_last_shown_before_an_upgrade_does_not_count() -> None:
    both = vector(({"service_version": "0.1.0"}, 1_000), ({"service_version": "0.2.0"}, 1_075))
    with where(shows(cdb=both), "prometheus") as stack:
        said = failed(versions.versions(stack.prometheus))  # of the others, which show none
    assert "services" not in said


def test_a_server_whose_clock_is_an_hour_behind_is_named() -> None:
    def answers(path: str, sent: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        late = {"resultType": "scalar", "result": [0, str(time.time() - 3600)]}
        return 200, {"status": "success", "data": late}

    with where(answers, "prometheus", "cdb_risk") as stack:
        assert "Prometheus -3600" in failed(machine.clock(stack))


def test_a_disk_without_room_fails() -> None:
    """The kernel's own file systems have none."""
    with alone(state_dir=Path("/sys")) as stack:
        assert failed(machine.resources(stack)).startswith("0.0 GiB free")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"REDIS_PASSWORD": ""}, "placeholder: REDIS_PASSWORD"),
        ({"REDIS_PASSWORD": "short-1"}, "placeholder: REDIS_PASSWORD"),
        ({"GRAFANA_PASSWORD": "<your-grafana-password>"}, "placeholder: GRAFANA_PASSWORD"),
        ({"CDB_OTLP_TOKEN": "please-change-me-at-once"}, "placeholder: CDB_OTLP_TOKEN"),
        (
            dict.fromkeys(("REDIS_PASSWORD", "POSTGRES_PASSWORD"), "gPq7vWm3kTz9sLx2"),
            "the same value: POSTGRES_PASSWORD, REDIS_PASSWORD",
        ),
    ],
)
def test_a_weak_secret_is_named_and_not_shown(changed: dict[str, str], said: str) -> None:
    with alone(settings={**SECRETS, **changed}) as stack:
        found = failed(settings.secrets(stack))
    assert said in found
    assert not any(value and value in found for value in changed.values())


def test_a_secret_that_is_marked_as_made_for_a_test_is_a_warning() -> None:
    with alone(settings={**SECRETS, "REDIS_PASSWORD": "test-6fd0a1b2c3d4e5f6"}) as stack:
        assert warned(settings.secrets(stack)) == "values generated for tests: REDIS_PASSWORD"


def test_a_file_with_secrets_that_others_may_read_fails(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("")
    file.chmod(0o644)
    with alone(root=tmp_path) as stack:
        assert failed(settings.env_file(stack)).endswith("has mode 644")
        file.chmod(0o600)
        assert settings.env_file(stack).verdict is Verdict.OK


def test_endpoints_for_tests_that_exist_are_a_warning() -> None:
    services = SERVICES
    with where(lambda path, *_: (405 if path == "/test/scenario" else 404, ""), *services) as stack:
        assert warned(settings.test_endpoints(stack)) == "enabled: cdb_ws /test/scenario"
    with where(lambda *_: (404, ""), *services) as stack:
        assert settings.test_endpoints(stack).verdict is Verdict.OK


def test_an_alertmanager_that_nobody_sends_to_fails() -> None:
    def answers(path: str, *_: Any) -> Answer:
        return 200, {"status": "success", "data": {"activeAlertmanagers": []}}

    with where(answers, "prometheus", "alertmanager") as stack:
        assert "sends no alerts to it" in failed(alerting.alertmanager(stack))


STALE = {"alertname": "StaleMarketData", "severity": "warning"}
BREAKER = {"alertname": "CircuitBreakerActivated", "severity": "critical"}
TRIAL = {"alertname": "TestNotification123abc", "severity": "critical"}


@pytest.mark.parametrize(
    ("firing", "pending", "known", "verdict", "said"),
    [
        ([], [], [], Verdict.OK, "no alert fires"),
        ([], [BREAKER], [], Verdict.OK, "no alert fires"),
        ([STALE], [BREAKER], [STALE], Verdict.WARN, "fires now: StaleMarketData (warning)"),
        ([BREAKER], [], [], Verdict.FAIL, "fires now: CircuitBreakerActivated (critical)"),
        (
            [STALE],
            [],
            [BREAKER],
            Verdict.FAIL,
            "fires now: CircuitBreakerActivated (critical), StaleMarketData (warning)",
        ),
        ([], [], [TRIAL], Verdict.OK, "no alert fires"),
        ([{"alertname": "Mine"}], [], [], Verdict.WARN, "fires now: Mine (no severity)"),
    ],
)
def test_a_critical_alert_that_fires_fails_and_another_warns(
    firing: list[dict[str, str]],
    pending: list[dict[str, str]],
    known: list[dict[str, str]],
    verdict: Verdict,
    said: str,
) -> None:
    """For Prometheus or for Alertmanager, which `cdb alerts` asks: the two agree."""
    states = [(one, "firing") for one in firing] + [(one, "pending") for one in pending]
    alerts = [{"labels": labels, "state": state} for labels, state in states]

    def answers(path: str, *_: Any) -> Answer:
        if path == "/api/v1/alerts":
            return 200, {"status": "success", "data": {"alerts": alerts}}
        other = {"annotations": {}, "startsAt": "2026-11-23T10:00:00Z", "status": {"state": "active"}}
        return 200, [{"labels": labels, "fingerprint": str(at), **other} for at, labels in enumerate(known)]

    with where(answers, "prometheus", "alertmanager") as stack:
        finding = alerting.firing(stack)
    assert (finding.verdict, finding.found) == (verdict, said)


def test_without_alertmanager_what_prometheus_says_counts() -> None:
    alerts = [{"labels": BREAKER, "state": "firing"}]
    with where(lambda *_: (200, {"status": "success", "data": {"alerts": alerts}}), "prometheus") as stack:
        assert "CircuitBreakerActivated" in failed(alerting.firing(stack))


@pytest.mark.parametrize(
    ("file", "content", "item"),
    [
        ("monitoring/prometheus/targets/redis.yml", "7", "targets"),
        ("monitoring/prometheus/rules/more.yml", "groups: [7]", "rules"),
        ("monitoring/other_metrics.yaml", "groups: {}", "dashboards"),
        ("monitoring/grafana/provisioning/datasources/datasources.yml", "- x", "dashboards"),
    ],
)
def test_a_file_of_the_project_of_another_shape_is_a_finding(
    file: str, content: str, item: str, tmp_path: Path
) -> None:
    root = copy_project(tmp_path)
    (root / file).write_text(content)
    with alone(root=root) as stack:
        [(_, finding)] = examine(stack, checks=[check for check in CHECKS if check.name == item])
    assert failed(finding).startswith(file)


def test_a_notification_that_does_not_arrive_fails() -> None:
    with where(lambda *_: (200, {"total": 0, "notifications": []}), "alertmanager", "cdb_console") as stack:
        assert "did not reach the console within 1 s" in failed(alerting.notification(stack, within_s=1.0))


BOARDS = [
    {"uid": f"cdb-{name}"} for name in ("trading-overview", "risk-alerts", "system-health", "account-performance")
]


@pytest.mark.parametrize(
    ("search", "source", "anonymous", "said"),
    [
        ((401, {}), 200, 401, "rejects the user admin"),
        ((200, BOARDS[1:]), 200, 401, "missing in Grafana: Trading Overview"),
        ((200, BOARDS), 400, 401, "the data source Prometheus fails its test"),
        ((200, BOARDS), 200, 200, "without a password"),
        ((200, BOARDS), 200, 401, ""),
    ],
)
def test_what_is_wrong_with_grafana_is_named(search: Answer, source: int, anonymous: int, said: str) -> None:
    """Grafana itself is not to be had here: its answers are as its documentation has them."""

    def answers(path: str, _sent: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        if path.startswith("/api/datasources/uid/prometheus"):
            return source, {"message": "connection refused"}
        return search if "Authorization" in headers else (anonymous, [])

    with where(answers, "grafana") as stack:
        finding = boards.grafana(stack)
    assert said in finding.found if said else finding.verdict is Verdict.OK
    assert finding.verdict is (Verdict.FAIL if said else Verdict.OK)


def test_a_file_that_is_no_dashboard_is_not_looked_for_in_grafana(tmp_path: Path) -> None:
    root = copy_project(tmp_path)
    (root / DASHBOARDS / "mine.json").write_text('{"title": "Mine", "uid": "mine", "refresh": false}')

    def answers(path: str, _sent: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        return (200, BOARDS) if "Authorization" in headers else (401, [])

    with where(answers, "grafana") as stack:
        stack.root = root
        assert boards.grafana(stack).verdict is Verdict.OK


def span(number: int, parent: str, service: str, name: str) -> Span:
    return Span(span_id=str(number), parent_id=parent, service=service, name=name, start_us=number, duration_us=1)


WHOLE = (
    span(1, "", "cdb_core", "signal.generate"),
    span(2, "1", "cdb_risk", "risk.decide"),
    span(3, "2", "cdb_execution", "order.execute"),
)


@pytest.mark.parametrize(
    ("spans", "whole"),
    [
        (WHOLE, True),
        (WHOLE[1:], False),
        (WHOLE[:2], False),
        ((*WHOLE, span(4, "7", "cdb_risk", "a child without its parent")), False),
    ],
)
def test_a_trace_is_whole_only_with_every_step_and_no_gap(spans: tuple[Span, ...], *, whole: bool) -> None:
    assert watched.is_whole(Trace("a" * 32, spans)) is whole


def test_without_a_stack_the_command_says_how_to_start_one() -> None:
    result = run_cdb("doctor", environment={})
    assert (result.returncode, result.stdout) == (3, "")
    line = "the stack in /nonexistent is not running: `make up` starts it; for the Docker stack, set CDB_STACK=compose"
    assert result.stderr == f"cdb: {line}\n"


def test_an_unknown_way_to_run_a_stack_is_refused() -> None:
    result = run_cdb("doctor", environment={"CDB_STACK": "swarm"})
    assert result.returncode == 3
    assert "CDB_STACK='swarm'" in result.stderr
    assert "native or compose" in result.stderr


def container(service: str, status: str, *, state: str = "running", ports: str = "") -> Container:
    """A container as `docker ps` showed it of a stack in containers."""
    labels = f"com.docker.compose.project=claire-de-binare,com.docker.compose.service={service},maintainer=x"
    return Container(labels=labels, ports=ports, state=state, status=status)


@pytest.mark.parametrize(
    ("status", "state", "well"),
    [
        ("Up 8 minutes (healthy)", "running", True),
        ("Up 8 minutes", "running", True),
        ("Up 8 minutes (unhealthy)", "running", False),
        ("Up 2 seconds (health: starting)", "running", False),
        ("Restarting (1) 2 seconds ago", "restarting", False),
        ("Exited (0) 8 minutes ago", "exited", False),
        ("Exited (137) 8 minutes ago", "exited", False),
    ],
)
def test_a_container_is_well_while_it_runs_and_its_check_says_so(status: str, state: str, *, well: bool) -> None:
    part = container("cdb_core", status, state=state).part()
    assert (part.name, part.ready, part.health.detail) == ("cdb_core", well, "" if well else status)


@pytest.mark.parametrize(("status", "well"), [("Exited (0) 8 minutes ago", True), ("Exited (1) 8 minutes ago", False)])
def test_a_container_that_ends_by_itself_is_well_if_it_ended_well(status: str, *, well: bool) -> None:
    assert container("cdb_migrate", status, state="exited").part().ready is well


def test_the_ports_of_containers_have_the_names_they_have_in_a_stack() -> None:
    collector = "127.0.0.1:14317->4317/tcp, 127.0.0.1:18888->8888/tcp, 55679/tcp"
    assert published(
        (
            container("cdb_otel_collector", "Up", ports=collector),
            container("cdb_prometheus", "Up", ports="127.0.0.1:19090->9090/tcp"),
            container("cdb_redis", "Up (healthy)", ports="6379/tcp"),
        )
    ) == {"otlp_grpc": 14317, "collector_telemetry": 18888, "prometheus": 19090}


def test_neighbouring_ports_which_the_engine_shows_as_one_range_are_each_found() -> None:
    collector = container("cdb_otel_collector", "Up", ports="127.0.0.1:4317-4318->4317-4318/tcp, 55679/tcp")
    assert published((collector,)) == {"otlp_grpc": 4317, "otlp_http": 4318}


def test_without_docker_the_command_says_so() -> None:
    result = run_cdb("doctor", environment={"CDB_STACK": "compose", "PATH": "/nonexistent"})
    assert result.returncode == 3
    assert result.stderr == "cdb: docker is not installed, so the Docker stack is not running\n"
