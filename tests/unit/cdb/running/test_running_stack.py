"""How commands reach the operator's stack, whichever way it runs."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cdb.running.errors import StackError
from cdb.running.native import Health, PartStatus
from cdb.running.native_stack import NativeStack
from cdb.running.stack import running_stack

SECRETS = {"POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}


def test_the_environment_goes_before_the_file_and_that_before_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=file\nPOSTGRES_DB=from_file\nPOSTGRES_USER=filed\n")
    found = running_stack(tmp_path, {"POSTGRES_DB": "chosen", "POSTGRES_PORT": "25432"}).ledger_settings()
    assert (found.postgres_db, found.postgres_port, found.postgres_user) == ("chosen", 25432, "filed")
    assert (found.postgres_password.get_secret_value(), found.postgres_host) == ("file", "127.0.0.1")


def test_in_a_container_secrets_are_in_files(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "REDIS_PASSWORD").write_text("filed\n")
    found = running_stack(
        tmp_path / "root", {"CDB_SECRETS_DIR": str(tmp_path), "REDIS_HOST": "cdb_redis"}
    ).bus_settings()
    assert (found.redis_password.get_secret_value(), found.redis_host) == ("filed", "cdb_redis")


def test_an_operators_token_is_read_where_secrets_are_and_cdb_risk_is_where_it_listens(tmp_path: Path) -> None:
    (tmp_path / "operator").mkdir()
    (tmp_path / "operator" / "CDB_OPERATOR_TOKEN").write_text("filed\n")
    inside = {"CDB_SECRETS_DIR": str(tmp_path), "CDB_RISK_HOST": "cdb_risk"}
    found = running_stack(tmp_path / "root", inside).risk_address()
    assert (found.operator_token.get_secret_value(), found.host, found.port) == ("filed", "cdb_risk", 8002)
    found = running_stack(tmp_path, {"CDB_OPERATOR_TOKEN": "t", "CDB_RISK_PORT": "9002"}).risk_address()
    assert (found.host, found.port) == ("127.0.0.1", 9002)


def test_what_the_command_line_says_goes_before_all(tmp_path: Path) -> None:
    found = running_stack(tmp_path, {**SECRETS, "POSTGRES_DB": "chosen"}).ledger_settings(
        database="other", port=1, host="::1"
    )
    assert (found.postgres_db, found.postgres_port, found.postgres_host) == ("other", 1, "::1")


def test_only_the_settings_of_the_server_in_question_are_needed(tmp_path: Path) -> None:
    assert running_stack(tmp_path, {"REDIS_PASSWORD": "r", "REDIS_PORT": "26379"}).bus_settings().redis_port == 26379


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "POSTGRES_PASSWORD is not set"),
        ({"POSTGRES_PASSWORD": ""}, "POSTGRES_PASSWORD is not set"),
        ({**SECRETS, "POSTGRES_PORT": "five"}, "POSTGRES_PORT='five' is not a port"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(tmp_path: Path, environ: dict[str, str], says: str) -> None:
    with pytest.raises(StackError, match=says):
        running_stack(tmp_path, environ).ledger_settings()


def test_no_error_shows_a_secret(tmp_path: Path) -> None:
    with pytest.raises(StackError) as refusal:
        running_stack(tmp_path, {"POSTGRES_PASSWORD": "hush-\u00e4"}).ledger_settings()
    assert "hush" not in str(refusal.value)


def test_the_way_to_run_is_native_unless_the_operator_says_otherwise(tmp_path: Path) -> None:
    assert [running_stack(tmp_path, environ).way for environ in ({}, {"CDB_STACK": ""}, {"CDB_STACK": "compose"})] == [
        "native",
        "native",
        "compose",
    ]
    with pytest.raises(StackError, match="CDB_STACK='swarm' is invalid: it must be native or compose"):
        running_stack(tmp_path, {"CDB_STACK": "swarm"})


@pytest.mark.parametrize("way", ["native", "compose"])
def test_ports_are_those_of_the_environment_before_the_file_while_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no docker there
    (tmp_path / ".env").write_text("CDB_JAEGER_PORT=1\nCDB_PROMETHEUS_PORT=2\n")
    stack = running_stack(tmp_path, {"CDB_STACK": way, "CDB_PROMETHEUS_PORT": "3"})
    assert [stack.url(name, "/x") for name in ("jaeger", "prometheus")] == [
        "http://127.0.0.1:1/x",
        "http://127.0.0.1:3/x",
    ]


@pytest.mark.parametrize("environ", [{}, {"REDIS_HOST": "cdb_redis", "REDIS_PASSWORD": "r"}])
def test_ledger_and_bus_in_containers_are_reached_from_inside_only(tmp_path: Path, environ: dict[str, str]) -> None:
    stack = running_stack(tmp_path, {"CDB_STACK": "compose", **environ})
    with pytest.raises(StackError, match="run the command in one, such as docker compose run --rm cdb audit"):
        stack.ledger_settings()
    if environ:
        assert stack.bus_settings().redis_host == "cdb_redis"


class Counted(NativeStack):
    """A stack whose parts are only noted as stopped and started."""

    def __init__(self, root: Path, **states: str) -> None:
        super().__init__(root, {})
        self.states = states
        self.said: list[str] = []

    def parts(self) -> tuple[PartStatus, ...]:
        return tuple(PartStatus(name, state, Health(ok=state == "running")) for name, state in self.states.items())

    def stop(self, names: Sequence[str]) -> None:
        self.said.append(f"stop {' '.join(names)}")

    def start(self, names: Sequence[str]) -> None:
        self.said.append(f"start {' '.join(names)}")


def test_what_is_stopped_for_moments_starts_again_whatever_happens_and_who_was_stopped_stays_so(tmp_path: Path) -> None:
    stack = Counted(tmp_path, cdb_ws="running", cdb_risk="stopped", cdb_prometheus="restarting")
    with pytest.raises(OSError, match="full"), stack.stopped("cdb_ws", "cdb_risk", "prometheus", "grafana"):
        raise OSError("the disk is full")
    assert stack.said == ["stop cdb_ws cdb_prometheus", "start cdb_ws cdb_prometheus"]


def test_waiting_names_the_part_that_does_not_become_ready(tmp_path: Path) -> None:
    stack = Counted(tmp_path, cdb_ws="running", cdb_risk="starting", cdb_core="fatal")
    assert stack.wait_ready(["cdb_ws"], 0) is None
    unready = stack.wait_ready(["cdb_ws", "cdb_risk"], 0)
    assert unready is not None
    assert unready.name == "cdb_risk"
