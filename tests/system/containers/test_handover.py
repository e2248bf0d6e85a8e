"""Secrets on their way into containers: who gets what, and that the servers understand it."""

import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import redis
import yaml

from cdb.running.native import Ports, StackError
from cdb.running.native.tools import redis_server
from deploy.containers.handover import ALERTMANAGER_CONF, MADE_FROM, NEEDED, REDIS_ADDRESS, files, read_secrets, write
from tests.support.paths import ROOT
from tests.support.programs import amtool, required
from tests.support.waiting import until
from tests.system.containers.compose import mounts, read, started

COMMITTED: Final = ROOT / "monitoring" / "alertmanager"
SLACK: Final = {"CDB_SLACK_WEBHOOK_URL": "https://hooks.invalid/services/T0/B0/geheim"}
MAIL: Final = {"CDB_SMTP_SMARTHOST": "mail:587", "CDB_SMTP_FROM": "cdb@example.org", "CDB_SMTP_TO": "op@example.org"}


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    """Secrets as Compose hands them over: an empty one has no file."""
    folder = tmp_path / "given"
    folder.mkdir()
    for name in NEEDED.values():
        (folder / name).write_text(secrets.token_urlsafe(24))
    return read_secrets(folder)


@pytest.fixture
def handover(tmp_path: Path) -> Path:
    folder = tmp_path / "handover"
    for volume in (*NEEDED, "alertmanager"):
        (folder / volume).mkdir(parents=True)
    return folder


def test_each_secret_is_in_one_volume_alone_but_for_hashes(given: dict[str, str]) -> None:
    handed = files(given, {}, COMMITTED)
    for volume, name in NEEDED.items():
        holders = {path.parts[0] for path, text in handed.items() if given[name] in text}
        assert holders == {volume}, name


def test_every_volume_that_is_written_is_mounted_there_and_by_somebody_else() -> None:
    services = started()
    written = {place.removeprefix("/handover/") for place in mounts(services["cdb_handover"]) if "/handover/" in place}
    assert written == {*NEEDED, "alertmanager", "jaeger_data", "trace_queue"}
    for place, volume in mounts(services["cdb_handover"]).items():
        if place.startswith("/handover/"):
            users = [n for n, s in services.items() if volume in mounts(s).values() and n != "cdb_handover"]
            assert users, volume


def test_compose_hands_over_every_secret_that_is_read(given: dict[str, str]) -> None:
    assert set(started()["cdb_handover"]["secrets"]) == set(given) == set(read()["secrets"])


@pytest.mark.parametrize("name", NEEDED.values())
@pytest.mark.parametrize("content", ["", None])
def test_a_missing_secret_is_named_with_what_makes_it(tmp_path: Path, name: str, content: str | None) -> None:
    for other in NEEDED.values():
        if other != name or content is not None:
            (tmp_path / other).write_text(content if other == name and content is not None else "geheim")
    with pytest.raises(StackError, match=f"^{name} is empty: `make env` writes it into .env$"):
        read_secrets(tmp_path)


def test_a_secret_of_two_lines_is_refused_without_being_shown(tmp_path: Path) -> None:
    for name in NEEDED.values():
        (tmp_path / name).write_text("geheim\nuser default on nopass")
    said = r"^REDIS_PASSWORD has a control character: only printable characters are allowed$"
    with pytest.raises(StackError, match=said):
        read_secrets(tmp_path)


def test_whoever_mounts_a_file_can_read_it_and_its_owner_alone_the_rest(given: dict[str, str], handover: Path) -> None:
    write(files(given, {}, COMMITTED), handover)
    assert {path.stat().st_mode & 0o777 for path in handover.rglob("*") if path.is_file()} == {0o444}
    assert (handover / "postgres" / "POSTGRES_PASSWORD").read_text() == given["POSTGRES_PASSWORD"]
    exporter = json.loads((handover / "monitoring" / "redis_exporter.json").read_text())
    assert set(exporter.values()) == {given["CDB_MONITORING_PASSWORD"]}
    options = dict(option.split("=", 1) for option in started()["cdb_redis_exporter"]["command"])
    assert options["-redis.addr"] == f"redis://{REDIS_ADDRESS}"
    # The exporter's versions look for one or the other.
    assert exporter.keys() == {f"redis://{REDIS_ADDRESS}", f"redis://{options['-redis.user']}@{REDIS_ADDRESS}"}


@pytest.mark.parametrize("volume", ["redis", "monitoring", "alertmanager"])
def test_a_volume_that_is_asked_for_alone_has_the_files_that_it_has_with_docker(
    given: dict[str, str], tmp_path: Path, volume: str
) -> None:
    """In Kubernetes an init container has only the secrets of that volume."""
    (tmp_path / "few").mkdir()
    for name in MADE_FROM[volume]:
        (tmp_path / "few" / name).write_text(given[name])
    few = read_secrets(tmp_path / "few", MADE_FROM[volume])
    whole = files(given, {}, COMMITTED)
    assert files(few, {}, COMMITTED, volumes={volume}) == {p: t for p, t in whole.items() if p.parts[0] == volume}


def test_servers_may_have_other_addresses_than_composes(given: dict[str, str]) -> None:
    others = {"REDIS_HOST": "bus.example.org", "REDIS_PORT": "6380", "CDB_CONSOLE_HOST": "cdb-console"}
    handed = files(given, others, COMMITTED)
    exporter = json.loads(handed[Path("monitoring/redis_exporter.json")])
    assert set(exporter) == {"redis://bus.example.org:6380", "redis://monitoring@bus.example.org:6380"}
    receivers = yaml.safe_load(handed[Path("alertmanager/alertmanager.yml")])["receivers"]
    urls = {hook["url"] for receiver in receivers for hook in receiver["webhook_configs"]}
    assert urls == {"http://cdb-console:8010/webhook"}


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (["settings"], {}, "0 files are in their volumes"),
        (["settings"], {"CDB_TRACE_DECISION_WAIT": "2s"}, "CDB_TRACE_DECISION_WAIT=2s"),
        (["rediss"], {}, "'rediss' cannot be asked for: one of redis, monitoring, alertmanager, settings can"),
        (["redis", "monitoring"], {}, "'redis monitoring' cannot be asked for"),
    ],
)
def test_what_is_asked_for_is_done_or_refused_in_one_line(
    words: list[str], environment: dict[str, str], said: str
) -> None:
    command = [sys.executable, "-m", "deploy.containers.handover", *words]
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**own, **environment}, cwd=ROOT)
    assert said in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).splitlines()) == 1


def test_a_secret_that_is_no_longer_set_goes(given: dict[str, str], handover: Path) -> None:
    write(files({**given, **SLACK}, {}, COMMITTED), handover)
    assert (handover / "alertmanager" / "CDB_SLACK_WEBHOOK_URL").read_text() == SLACK["CDB_SLACK_WEBHOOK_URL"]
    write(files(given, {}, COMMITTED), handover)
    assert not (handover / "alertmanager" / "CDB_SLACK_WEBHOOK_URL").exists()


def test_a_wrong_setting_of_alertmanager_is_named(given: dict[str, str]) -> None:
    with pytest.raises(StackError, match=r"^CDB_SMTP_FROM has no e-mail address"):
        files(given, {"CDB_SMTP_SMARTHOST": "mail:587"}, COMMITTED)


@pytest.mark.integration
@pytest.mark.parametrize("settings", [{}, {**SLACK, **MAIL, "CDB_SMTP_USER": "cdb", "CDB_SMTP_PASSWORD": "geheim"}])
def test_alertmanager_takes_the_configuration(given: dict[str, str], handover: Path, settings: dict[str, str]) -> None:
    chosen = {name: value for name, value in settings.items() if name in given}
    write(files({**given, **chosen}, settings, COMMITTED), handover)
    file = handover / "alertmanager" / "alertmanager.yml"
    written = file.read_text()
    named = [path for path in _files_of(yaml.safe_load(written)) if not Path(path).is_relative_to(ALERTMANAGER_CONF)]
    assert named == []
    assert "geheim" not in written
    file.chmod(0o644)
    file.write_text(written.replace(str(ALERTMANAGER_CONF), str(handover / "alertmanager")))
    done = subprocess.run([amtool(), "check-config", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def bus(given: dict[str, str], handover: Path, tmp_path: Path) -> Iterator[int]:
    """Run Redis with the file of docker-compose.yml and the accounts that were handed over; give its port."""
    write(files(given, {}, COMMITTED), handover)
    port = Ports.free().redis
    program = required(redis_server)
    committed = (ROOT / "deploy" / "containers" / "redis.conf").read_text()
    conf = committed.replace("/run/secrets", str(handover)).replace("/data", str(tmp_path))
    (tmp_path / "redis.conf").write_text(conf.replace("0.0.0.0", "127.0.0.1").replace("6379", str(port)))  # noqa: S104
    with subprocess.Popen([program, str(tmp_path / "redis.conf")], stdout=subprocess.DEVNULL) as server:
        try:
            until(
                lambda: _says(port, "default", given["REDIS_PASSWORD"]), holds=lambda said: said == "PONG", within_s=60
            )
            yield port
        finally:
            server.terminate()
            server.wait(timeout=30)


@pytest.mark.integration
def test_redis_lets_in_who_has_a_password_and_the_exporter_to_figures_only(bus: int, given: dict[str, str]) -> None:
    assert "AuthenticationError" in _says(bus, "default", "wrong")
    assert "AuthenticationError" in _says(bus, "default", None)
    monitoring = redis.Redis(port=bus, username="monitoring", password=given["CDB_MONITORING_PASSWORD"])
    assert "used_memory" in monitoring.info()
    for command in (("GET", "x"), ("CONFIG", "GET", "*"), ("ACL", "LIST")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            monitoring.execute_command(*command)  # type: ignore[no-untyped-call]
    monitoring.close()


def test_accounts_hold_hashes_and_no_password(given: dict[str, str]) -> None:
    text = files(given, {}, COMMITTED)[Path("redis/users.acl")]
    assert hashlib.sha256(given["REDIS_PASSWORD"].encode()).hexdigest() in text
    assert given["REDIS_PASSWORD"] not in text
    assert given["CDB_MONITORING_PASSWORD"] not in text


def _says(port: int, user: str, password: str | None) -> str:
    client = redis.Redis(port=port, username=user if password else None, password=password)
    try:
        return "PONG" if client.ping() else "nothing"
    except redis.RedisError as error:
        return f"{type(error).__name__} {error}"
    finally:
        client.close()


def _files_of(settings: object) -> list[str]:
    if isinstance(settings, list):
        return [found for item in settings for found in _files_of(item)]
    if not isinstance(settings, dict):
        return []
    own = [value for name, value in settings.items() if str(name).endswith("_file")]
    return own + [found for item in settings.values() for found in _files_of(item)]


@pytest.mark.parametrize(
    ("name", "value"), [("CDB_OTLP_TOKEN", "größe"), ("POSTGRES_PASSWORD", "größe"), ("GRAFANA_PASSWORD", "\u200b")]
)
def test_a_secret_that_no_header_or_client_can_carry_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    for other in NEEDED.values():
        (tmp_path / other).write_text(value if other == name else "geheim")
    with pytest.raises(StackError, match=rf"^{name} (is refused: only|has a control character)") as refusal:
        read_secrets(tmp_path)
    assert value not in str(refusal.value)


def test_it_needs_nothing_that_runs_a_stack() -> None:
    """The container has no network and ends at once: what it imports is what it takes."""
    code = "import sys, deploy.containers.handover; print(*sys.modules)"
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = {*seen.stdout.split()}
    assert "cdb.running.configuration" in imported
    assert imported.isdisjoint({"cdb.running.native", "httpx", "psycopg2", "redis", "supervisor", "typer"})


def test_a_file_that_the_containers_user_may_not_read_is_named_with_what_to_do(
    given: dict[str, str], tmp_path: Path
) -> None:
    """So it is where the clone was made under a umask that lets nobody else in."""
    closed = tmp_path / "alertmanager"
    shutil.copytree(COMMITTED, closed)
    (closed / "alertmanager.yml").chmod(0o000)
    me = os.geteuid()
    try:
        if me == 0:  # whom no mode keeps out
            for folder in (closed, *closed.parents[:3]):
                folder.chmod(0o755)
            os.seteuid(10001)
        with pytest.raises(StackError, match=r"alertmanager\.yml cannot be read .* chmod -R a\+rX deploy monitoring"):
            files(given, {}, closed)
    finally:
        os.seteuid(me)


def test_all_that_the_image_gets_of_a_checkout_is_made_readable() -> None:
    build, image = (ROOT / "deploy/containers/Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[1:]
    assert set(re.findall(r"^COPY (\S+)", image, flags=re.MULTILINE)) == {"--from=build"}
    copied, made_readable = build.rsplit("RUN chmod -R a+rX /app /opt/venv", 1)
    assert "COPY" not in made_readable
    targets = re.findall(r"^COPY .* (\S+)$", copied, flags=re.MULTILINE)
    assert [target for target in targets if not target.startswith(("/app/", "/opt/venv/"))] == ["/tmp/"]  # noqa: S108
