"""What `docker compose config` says to this file; needs Compose, but no engine that runs."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from cdb.running.native import StackError, envfile
from tests.support.paths import ROOT
from tests.system.containers.compose import FILE

WHERE: Final = "CDB_COMPOSE"  # the program, where it is not the plugin of an installed docker


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """How Compose is called: `make test` does not install it, `make test-containers` does."""
    if program := os.environ.get(WHERE):
        return [program]
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    pytest.skip("docker compose is not installed: `make test-containers` builds it")


@pytest.fixture
def env(tmp_path: Path) -> Path:
    envfile.ensure(tmp_path / ".env")
    return tmp_path / ".env"


def config(compose: list[str], env: Path, *options: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "DOCKER_CONFIG")}
    command = [*compose, "--project-directory", str(ROOT), "-f", str(FILE), "--env-file", str(env), "config", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=kept, timeout=60)


def database(compose: list[str], env: Path, line: str) -> str:
    """What Compose makes of POSTGRES_DB, written in .env as *line*; it shows $ as $$."""
    lines = [other for other in env.read_text().splitlines() if not other.startswith("POSTGRES_DB=")]
    env.write_text("\n".join([*lines, line, ""]))
    shown = yaml.safe_load(config(compose, env).stdout)["services"]["cdb_postgres"]["environment"]
    return str(shown["POSTGRES_DB"]).replace("$$", "$")


def test_config_is_silent_on_what_make_env_writes(compose: list[str], env: Path) -> None:
    done = config(compose, env, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_config_shows_no_secret(compose: list[str], env: Path) -> None:
    """What is printed is sent to others when somebody asks for help."""
    filled = env.read_text()
    for name in envfile.SECRETS:
        filled = filled.replace(f"\n{name}=\n", f"\n{name}=very-secret-{name}\n")
    env.write_text(filled)
    shown = config(compose, env).stdout
    values = envfile.read(env)
    assert "cdb_postgres" in shown
    assert [name for name in envfile.SECRETS if values[name] in shown] == []


@pytest.mark.parametrize("name", [entry.name for entry in envfile.ENTRIES if entry.name in envfile.SECRETS])
def test_a_missing_secret_is_one_line_that_names_what_makes_it(compose: list[str], env: Path, name: str) -> None:
    lines = [line for line in env.read_text().splitlines() if not line.startswith(f"{name}=")]
    env.write_text("\n".join(lines))
    done = config(compose, env, "--quiet")
    if name.startswith("MEXC_"):
        assert (done.returncode, done.stderr) == (0, ""), "nothing reads it yet"
        return
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"variable {name} is missing a value: run `make env`" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "POSTGRES_DB='a$b'",
        "POSTGRES_DB='${HOME}'",
        "POSTGRES_DB='a#b c'",
        'POSTGRES_DB="a#b c"',
        "POSTGRES_DB=plain # costs",
        r"POSTGRES_DB=back\slash",
        "export POSTGRES_DB = spaced",
        "POSTGRES_DB=it's",
        "POSTGRES_DB=",
        "POSTGRES_DB=first\nPOSTGRES_DB=last",
        "POSTGRES_DB=a#b",
        r'POSTGRES_DB="say \"hi\""',
    ],
)
def test_what_cdb_accepts_in_env_compose_reads_in_the_same_way(compose: list[str], env: Path, line: str) -> None:
    theirs = database(compose, env, line)
    envfile.read_strictly(env)
    assert theirs == (envfile.read(env)["POSTGRES_DB"] or "claire_de_binaire")


@pytest.mark.parametrize(
    "line",
    ["POSTGRES_DB=a$b", 'POSTGRES_DB="a$b"', r'POSTGRES_DB="it\'s"', r"POSTGRES_DB='a\\b'", "POSTGRES_DB= # none"],
)
def test_what_compose_reads_differently_cdb_refuses(compose: list[str], env: Path, line: str) -> None:
    assert database(compose, env, line) != envfile.read(env)["POSTGRES_DB"]
    with pytest.raises(StackError, match=r"^POSTGRES_DB in "):
        envfile.read_strictly(env)


@pytest.mark.parametrize(
    ("container", "name"), [("cdb_otel_collector", "CDB_SLOW_DECISION_MS"), ("cdb_jaeger", "CDB_TRACE_RETENTION")]
)
def test_an_emptied_line_is_the_default_for_a_server(compose: list[str], env: Path, container: str, name: str) -> None:
    without = yaml.safe_load(config(compose, env).stdout)["services"][container]["environment"]
    env.write_text(env.read_text() + f"{name}=\n")
    assert yaml.safe_load(config(compose, env).stdout)["services"][container]["environment"] == without
    assert without[name]


def test_a_setting_of_the_operator_reaches_its_container(compose: list[str], env: Path) -> None:
    env.write_text(env.read_text() + "CDB_RISK_PORT=28002\nSTOP_LOSS_PCT=0.03\nCDB_TEST_ENDPOINTS=1\n")
    risk = yaml.safe_load(config(compose, env).stdout)["services"]["cdb_risk"]
    assert risk["environment"]["STOP_LOSS_PCT"] == "0.03"
    assert risk["environment"]["MAX_POSITION_PCT"] == "0.10"
    assert risk["environment"]["CDB_TEST_ENDPOINTS"] == "1"
    assert [(port["host_ip"], port["published"], port["target"]) for port in risk["ports"]] == [
        ("127.0.0.1", "28002", 8002)
    ]
    assert risk["environment"]["CDB_RISK_PORT"] == "8002", "inside of the container the port stays"
