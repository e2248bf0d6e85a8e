"""How a stack's settings come together."""

from dataclasses import replace
from pathlib import Path

import pytest

from cdb.running.native import ALL_PARTS, StackConfig, StackError, envfile, prometheus, select, stack_record
from cdb.running.native.supervisor import render
from tests.support.paths import ROOT

SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    envfile.ensure(tmp_path / ".env")
    return tmp_path


def operators(checkout: Path, **environ: str) -> StackConfig:
    return StackConfig.for_operator(checkout, environ, parts=select(()))


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(checkout: Path) -> None:
    with (checkout / ".env").open("a") as file:
        file.write("CDB_TEST_ENDPOINTS=0\nCDB_RISK_PORT=9002\n")
    settings = operators(checkout, MAX_POSITION_PCT="0.02", CDB_RISK_PORT="9102").process_environment()
    assert settings["CDB_LOG_FORMAT"] == "json"
    assert settings["CDB_TEST_ENDPOINTS"] == "0"
    assert settings["MAX_POSITION_PCT"] == "0.02"
    assert settings["CDB_RISK_PORT"] == "9102"


def test_services_learn_where_their_servers_are(checkout: Path) -> None:
    settings = operators(checkout).process_environment()
    wanted = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "16379", "POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "15432"}
    assert wanted.items() <= settings.items()
    assert settings["REDIS_PASSWORD"] == envfile.read(checkout / ".env")["REDIS_PASSWORD"]


def test_a_foreign_secret_of_the_shell_is_passed_on_but_not_recorded(checkout: Path) -> None:
    config = operators(checkout, CLOUD_TOKEN="hush", PGPASSWORD="not for us")
    assert config.process_environment()["CLOUD_TOKEN"] == "hush"
    assert "PGPASSWORD" not in config.process_environment()
    assert "CLOUD_TOKEN" not in stack_record.describe(config)["environment"]


def test_secrets_are_not_in_the_config_shown(checkout: Path) -> None:
    config = operators(checkout, CLOUD_TOKEN="hush")
    assert "hush" not in repr(config)
    assert not any(config.environment[name] in repr(config) for name in SECRETS)


def test_the_supervisor_configuration_holds_no_secret_of_a_part(checkout: Path) -> None:
    config = operators(checkout)
    text = render(config, "the socket's own")
    assert not any(config.environment[name] in text for name in SECRETS)


@pytest.mark.parametrize("odd", ["a ;b", "a #b", "a%b", "a\nb"])
def test_a_path_that_the_supervisor_cannot_use_is_refused(checkout: Path, odd: str) -> None:
    with pytest.raises(StackError, match="supervisord cannot use such a path"):
        render(operators(checkout, CDB_STATE_DIR=str(checkout / odd)), "the socket's own")


def test_a_missing_secret_names_the_variable_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"POSTGRES_USER is empty .* `cdb env`"):
        operators(tmp_path)


def test_the_state_directory_can_be_elsewhere(checkout: Path) -> None:
    assert operators(checkout).state_dir == checkout / ".cdb"
    assert operators(checkout, CDB_STATE_DIR=str(checkout / "else")).state_dir == checkout / "else"


def test_an_isolated_stack_takes_no_setting_from_its_surroundings(tmp_path: Path) -> None:
    a, b = (StackConfig.isolated(ROOT, tmp_path / name, parts=select(())) for name in "ab")
    assert a.environment["POSTGRES_PASSWORD"] != b.environment["POSTGRES_PASSWORD"]
    assert a.layout.supervisor_socket != b.layout.supervisor_socket
    assert not {name for name in a.inherited if name.startswith(("CDB_", "REDIS_", "POSTGRES_"))}


def test_a_deep_checkout_gets_a_socket_path_that_the_kernel_takes(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-directory"] * 6)
    layout = StackConfig.isolated(ROOT, deep, parts=()).layout
    assert len(str(layout.supervisor_socket)) < 100
    assert layout.digest in str(layout.supervisor_socket)


def test_differences_name_what_changed_and_show_no_value(checkout: Path) -> None:
    config = operators(checkout)
    changed = replace(config, environment={**config.environment, "REDIS_PASSWORD": "hush"}, parts=select(("grafana",)))
    said = stack_record.differences(stack_record.describe(config), stack_record.describe(changed))
    assert "REDIS_PASSWORD was changed" in said
    assert any("the stack was started with the parts redis, postgres" in line for line in said)
    assert "hush" not in " ".join(said)


def test_changed_code_is_told_from_unchanged(checkout: Path) -> None:
    code = checkout / "services" / "ws.py"
    code.parent.mkdir()
    code.write_text("a = 1\n")
    before = stack_record.describe(operators(checkout))
    assert stack_record.differences(before, stack_record.describe(operators(checkout))) == []
    code.write_text("a = 2\n")
    assert stack_record.differences(before, stack_record.describe(operators(checkout))) == ["the code was changed"]


def test_the_bootstrap_installs_every_package_that_a_part_needs() -> None:
    bootstrap = (ROOT / "deploy/native/packages.sh").read_text()
    for package in (package for part in ALL_PARTS for package in part.packages):
        assert f"echo {package}\n" in bootstrap


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StackError, match=r"unknown part redix; known: redis, .*cdb_execution"):
        select(("redis", "redix"))


def test_how_long_metrics_are_kept_is_a_setting_and_a_wrong_one_is_refused_by_name(checkout: Path) -> None:
    kept = "--storage.tsdb.retention.time="
    assert f"{kept}14d" in prometheus.command(operators(checkout))
    assert f"{kept}7d" in prometheus.command(operators(checkout, CDB_PROMETHEUS_RETENTION="7d"))
    assert f"{kept}36h" in prometheus.command(operators(checkout, CDB_PROMETHEUS_RETENTION="1.5d"))
    with pytest.raises(StackError, match="CDB_PROMETHEUS_RETENTION='1m' is out of range: 1h to 36500d is allowed"):
        prometheus.command(operators(checkout, CDB_PROMETHEUS_RETENTION="1m"))
    with pytest.raises(StackError, match="CDB_PROMETHEUS_RETENTION='a week'"):
        prometheus.command(operators(checkout, CDB_PROMETHEUS_RETENTION="a week"))
