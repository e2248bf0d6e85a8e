"""The processes of a whole stack: nobody else can reach them or read a secret, and what is looked at gives way."""

import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cdb.running.native import TRADING, envfile, postgres, processes
from cdb.running.native.config import STACK_ID, Kind, Part
from tests.support.bot import Bot, running_bot

pytestmark = pytest.mark.e2e

LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Run all parts, with a value for every secret, also for those that the demo does without."""
    settings = {name: f"throw-away-{name.lower().replace('_', '-')}-9f3a" for name in envfile.SECRETS}
    settings["CDB_SLACK_WEBHOOK_URL"] = f"http://127.0.0.1:9/{settings['CDB_SLACK_WEBHOOK_URL']}"
    with running_bot(tmp_path_factory.mktemp("whole"), settings, parts=()) as bot:
        bot.wait_healthy()
        yield bot


@pytest.fixture
def secrets(whole: Bot) -> dict[str, str]:
    found = {name: whole.stack.config.environment[name] for name in envfile.SECRETS}
    assert all(found.values())
    return found


def test_the_stack_listens_on_this_machine_only(whole: Bot) -> None:
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in processes.of_stack(whole.stack.config)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN or not connection.raddr
    }
    config = whole.stack.config
    expected = {config.ports.of(port) for part in config.parts for port in part.ports}
    expected.add(config.ports.grafana)  # or the console's, where there is no Grafana
    assert listening == {(LOOPBACK, port) for port in expected}


def test_what_is_looked_at_leaves_the_processor_to_what_trades_and_collects(whole: Bot) -> None:
    seen = {part.name: psutil.Process(whole.stack.pid_of(part.name)).nice() for part in running(whole)}
    assert {name for name, niceness in seen.items() if not niceness} == {*TRADING, "otel_collector"} - {"migrate"}
    assert {niceness for niceness in seen.values() if niceness} == {10}


def test_no_secret_is_on_a_command_line(whole: Bot, secrets: dict[str, str]) -> None:
    lines = {process.pid: " ".join(process.cmdline()) for process in processes.of_stack(whole.stack.config)}
    assert {*lines} >= {whole.stack.pid_of(part.name) for part in running(whole)}
    assert {line: found for line in lines.values() if (found := values_in(line.encode(), secrets))} == {}


def test_a_process_knows_only_the_secrets_that_its_part_needs(whole: Bot, secrets: dict[str, str]) -> None:
    """Supervisord knows all, to hand them out; PostgreSQL and Redis write their titles over what they were given."""
    known = {}
    for part in running(whole):
        given = psutil.Process(whole.stack.pid_of(part.name)).environ()
        assert STACK_ID in given or part.name in {"postgres", "redis"}, f"{part.name} shows {sorted(given)}"
        assert secrets.keys() & given.keys() == values_in(repr(given).encode(), secrets), part.name
        known[part.name] = secrets.keys() & given.keys()
    assert known == {part.name: set(part.secrets) for part in running(whole)}


def test_a_secret_is_in_no_file_but_the_private_ones_made_for_it(whole: Bot, secrets: dict[str, str]) -> None:
    """Neither in configuration, logs (of an outage too) and pid files nor in the servers' data."""
    for server in ("postgres", "redis", "otel_collector"):
        whole.kill(server)
    whole.wait_healthy()
    config = whole.stack.config
    files = {**files_under(config.state_dir), **files_under(postgres.data_dir(config))}
    assert {"supervisord.conf", "prometheus/prometheus.yml", "logs/cdb_risk.log", "PG_VERSION"} <= {*files}

    holding = {name: values_in(path.read_bytes(), secrets) for name, path in files.items() if path.exists()}

    assert {name: found for name, found in holding.items() if found} == {
        "stack.json": set(secrets),
        "redis.conf": {"REDIS_PASSWORD"},
        "exporters/redis.json": {"CDB_MONITORING_PASSWORD"},
        "exporters/postgres": {"CDB_MONITORING_PASSWORD"},
        "alertmanager/CDB_SLACK_WEBHOOK_URL": {"CDB_SLACK_WEBHOOK_URL"},
        "alertmanager/CDB_SMTP_PASSWORD": {"CDB_SMTP_PASSWORD"},
    }


@pytest.mark.parametrize(
    "name",
    [
        *("stack.json", "redis.conf", "supervisord.conf", "exporters/redis.json", "exporters/postgres"),
        *("alertmanager/CDB_SLACK_WEBHOOK_URL", "alertmanager/CDB_SMTP_PASSWORD"),
    ],
)
def test_a_file_with_a_secret_is_for_its_owner_only(whole: Bot, name: str) -> None:
    assert f"{stat.S_IMODE((whole.stack.config.state_dir / name).stat().st_mode):o}" == "600"


def running(whole: Bot) -> list[Part]:
    return [part for part in whole.stack.config.parts if part.kind is not Kind.ONE_SHOT]


def values_in(text: bytes, secrets: dict[str, str]) -> set[str]:
    """The names of those secrets whose values are in *text*."""
    return {name for name, value in secrets.items() if value.encode() in text}


def files_under(directory: Path) -> dict[str, Path]:
    """All files by their names below *directory*."""
    return {str(path.relative_to(directory)): path for path in directory.rglob("*") if path.is_file()}
