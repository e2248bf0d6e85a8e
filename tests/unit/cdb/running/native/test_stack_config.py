"""How a stack's settings come together."""

from dataclasses import replace
from pathlib import Path

import pytest

from cdb.running.native import ALL_PARTS, StackConfig, StackError, envfile, postgres, prometheus, select, stack_record
from cdb.running.native.supervisor import render
from tests.support.checkouts import operators
from tests.support.paths import ROOT

SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD")


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(checkout: Path) -> None:
    with (checkout / ".env").open("a") as file:
        file.write("CDB_TEST_ENDPOINTS=0\nCDB_RISK_PORT=9002\n")
    settings = operators(checkout, MAX_POSITION_PCT="0.2", CDB_RISK_PORT="9102").process_environment()
    assert settings["CDB_LOG_FORMAT"] == "json"
    assert settings["CDB_TEST_ENDPOINTS"] == "0"
    assert settings["MAX_POSITION_PCT"] == "0.2"
    assert settings["CDB_RISK_PORT"] == "9102"


def test_services_learn_where_their_servers_are(checkout: Path) -> None:
    config = operators(checkout)
    settings = config.process_environment()
    sockets = {"REDIS_HOST": str(config.layout.redis_socket), "POSTGRES_HOST": str(postgres.data_dir(config))}
    assert {**sockets, "REDIS_PORT": "16379", "POSTGRES_PORT": "15432"}.items() <= settings.items()
    assert settings["REDIS_PASSWORD"] == envfile.read(checkout / ".env")["REDIS_PASSWORD"]


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
    with pytest.raises(StackError, match=r"POSTGRES_PASSWORD is empty .* `cdb env`"):
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
    with pytest.raises(
        StackError, match="CDB_PROMETHEUS_RETENTION='1m' is refused: '1m' is out of range: 1h to 36500d"
    ):
        operators(checkout, CDB_PROMETHEUS_RETENTION="1m")
    with pytest.raises(StackError, match="CDB_PROMETHEUS_RETENTION='a week'"):
        operators(checkout, CDB_PROMETHEUS_RETENTION="a week")


def in_env_file(checkout: Path, *lines: str) -> StackConfig:
    """The operator's stack with more *lines* in .env."""
    with (checkout / ".env").open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return operators(checkout)


def test_an_emptied_line_means_the_default(checkout: Path) -> None:
    """In .env and in the environment, for ports, names, limits and what servers read."""
    names = (
        "CDB_RISK_PORT",
        "POSTGRES_DB",
        "POSTGRES_USER",
        "MAX_POSITION_PCT",
        "CDB_SLOW_DECISION_MS",
        "CDB_LOG_LEVEL",
    )
    wanted = operators(checkout).process_environment()
    for config in (operators(checkout, **dict.fromkeys(names, "")), in_env_file(checkout, *(f"{n}=" for n in names))):
        told = config.process_environment()
        assert {name for name in names if told.get(name) == ""} == set()
        assert told["POSTGRES_DB"] == wanted["POSTGRES_DB"]
        assert config.ports == operators(checkout).ports


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("STOP_LOSS=0.01", "STOP_LOSS in .env is not a setting: did you mean STOP_LOSS_PCT?"),
        (
            "MAX_DAILY_DRAWDOWN=0.02",
            "MAX_DAILY_DRAWDOWN in .env is not a setting: did you mean MAX_DAILY_DRAWDOWN_PCT?",
        ),
        ("CDB_CLOCK=event", "CDB_CLOCK has no effect in .env: it is not a setting, so remove the line"),
        ("CDB_STATE_DIR=/tmp/x", "CDB_STATE_DIR has no effect in .env: set it in the environment"),
        ("MAX_POSITION_PCT=5", "MAX_POSITION_PCT='5' is refused: Input should be less than or equal to 1"),
        ("MAX_POSITION_PCT=0.05", "ORDER_SIZE_PCT=0.085 and MAX_POSITION_PCT=0.05 cannot work together"),
        ("CDB_TRACE_SHARE_PERCENT=abc", "CDB_TRACE_SHARE_PERCENT='abc' is refused"),
        ("CDB_NOTIFICATIONS_KEEP=all", "CDB_NOTIFICATIONS_KEEP='all' is refused"),
        ("CDB_TRACE_DECISION_WAIT=2s", "CDB_TRACE_DECISION_WAIT=2s and MAX_SIGNAL_AGE_S=3 cannot work together"),
        ("CDB_OTLP_TOKEN=gr\u00f6\u00dfe", "CDB_OTLP_TOKEN is refused: only letters, digits"),
        ("GRAFANA_PASSWORD=gr\u00f6\u00dfe", "GRAFANA_PASSWORD is refused: only printable ASCII"),
        ("CDB_SOURCE=simulatd", "CDB_SOURCE='simulatd' is refused: there are binance, mexc, replay, simulated"),
        ("POSTGRES_PASSWORD=a$b", "POSTGRES_PASSWORD in .*/.env has a \\$, which Docker Compose replaces"),
    ],
)
def test_what_is_wrong_in_env_is_refused_before_anything_starts(checkout: Path, line: str, said: str) -> None:
    with pytest.raises(StackError, match=f"^{said}"):
        in_env_file(checkout, line)


def test_what_nobody_reads_reaches_no_process(checkout: Path) -> None:
    config = in_env_file(checkout, "OTEL_SDK_DISABLED=true", "PGSSLMODE=require", "COMPOSE_PROJECT_NAME=other")
    assert not {"OTEL_SDK_DISABLED", "PGSSLMODE", "COMPOSE_PROJECT_NAME"} & config.process_environment().keys()


@pytest.mark.parametrize("foreign", ["REDIS_URL", "POSTGRES_VERSION", "MAX_JOBS", "LOG_LEVEL", "ORDER", "STOP_SIGNAL"])
def test_a_strangers_variable_in_the_environment_is_left_alone(checkout: Path, foreign: str) -> None:
    operators(checkout, **{foreign: "x"})


@pytest.mark.parametrize("name", ["MOMENTUM_TRESHOLD_PCT", "CDB_SYMBOL", "ORDER_SIZE", "CDB_NONSENSE"])
def test_a_variable_that_can_only_be_meant_for_us_is_refused(checkout: Path, name: str) -> None:
    with pytest.raises(StackError, match=f"^{name} in the environment is not a setting: "):
        operators(checkout, **{name: "x"})


def test_every_problem_is_named_at_once(checkout: Path) -> None:
    with pytest.raises(StackError, match=r"CDB_SYMBOL in the environment .*; STOP_LOSS in the environment"):
        operators(checkout, CDB_SYMBOL="x", STOP_LOSS="0.1")
    with pytest.raises(
        StackError, match=r"MAX_POSITION_PCT='5' .*; CDB_LOG_LEVEL|CDB_LOG_LEVEL.*; MAX_POSITION_PCT='5'"
    ):
        operators(checkout, MAX_POSITION_PCT="5", CDB_LOG_LEVEL="loud")


def test_a_setting_of_the_environment_alone_is_checked_and_recorded_like_one_of_env(checkout: Path) -> None:
    recorded = stack_record.describe(operators(checkout, STOP_LOSS_PCT="0.03", PAPER_FEE_BPS="2"))["environment"]
    assert (recorded["STOP_LOSS_PCT"], recorded["PAPER_FEE_BPS"]) == ("0.03", "2")
    with pytest.raises(StackError, match=r"^ORDER_SIZE_PCT=0\.2 and MAX_POSITION_PCT=0\.10 cannot work together"):
        operators(checkout, ORDER_SIZE_PCT="0.2")


def test_an_opening_cash_that_no_restart_applies_is_no_difference(checkout: Path) -> None:
    before, now = (stack_record.describe(operators(checkout, CDB_OPENING_CASH=cash)) for cash in ("1000", "2000"))
    assert stack_record.differences(before, now) == []
