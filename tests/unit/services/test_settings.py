"""Settings: a wrong value ends the start with one line that names variable, value and what is allowed."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from cdb.running.native import known_settings
from cdb.running.server_settings import ServerSettings
from monitoring.notifications.settings import NotificationSettings
from services.core.settings import CoreSettings
from services.core.strategies.mean_reversion_v1 import MeanReversionSettings
from services.core.strategies.momentum_v1 import MomentumSettings
from services.execution.settings import ExecutionSettings
from services.execution.venue import VenueSettings
from services.risk.limits import Limits
from services.risk.settings import RiskSettings
from services.settings import Settings, is_group, load
from services.ws.settings import WsSettings
from services.ws.sources.mexc import MexcSettings
from services.ws.sources.replay import ReplaySettings
from services.ws.sources.simulated import SimulatorSettings
from tests.support.paths import ROOT

SECRETS = {"REDIS_PASSWORD": "hunter2-redis", "POSTGRES_PASSWORD": "hunter2-ledger", "CDB_OTLP_TOKEN": "hunter2-token"}
KINDS: tuple[type[Settings], ...] = (
    RiskSettings,
    WsSettings,
    CoreSettings,
    ExecutionSettings,
    MeanReversionSettings,
    MomentumSettings,
    SimulatorSettings,
    ReplaySettings,
)
SHARE = "(a fraction: 0.05 means 5 %)"


def count_fields(kind: type[Settings]) -> int:
    return sum(
        count_fields(field.annotation) if is_group(field.annotation) else field.validation_alias is not None
        for field in kind.model_fields.values()
    )


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Only secrets are set, whatever the machine has."""
    for kind in KINDS:
        for variable in kind.variables():
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("CDB_SECRETS_DIR", raising=False)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_group_of_settings_is_read_from_the_same_variables_as_what_nests_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PAPER_FEE_BPS", "3")
    assert load(ExecutionSettings).venue == load(VenueSettings) == VenueSettings(fee_bps=Decimal(3))
    assert load(RiskSettings).limits == Limits()


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_has_a_variable_of_its_own(kind: type[Settings]) -> None:
    assert len(kind.variables()) == count_fields(kind)
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", name) for name in kind.variables())


def test_values_of_the_environment_are_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MAX_DAILY_DRAWDOWN_PCT", "0.02")
    environment.setenv("CDB_SYMBOLS", " BTCUSDT, ETHUSDT ,")
    environment.setenv("CDB_REPLAY_SPEED", "max")
    environment.setenv("MOMENTUM_THRESHOLD_PCT", "0.0005")
    assert load(RiskSettings).limits.max_daily_drawdown == Decimal("0.02")
    assert load(RiskSettings).symbols == ("BTCUSDT", "ETHUSDT")
    assert load(ReplaySettings).speed is None
    assert load(MomentumSettings).threshold == Decimal("0.0005")


@pytest.mark.parametrize(("text", "seconds"), [("3", 3), ("1.5", 1.5), ("3s", 3), ("2m", 120), ("500ms", 0.5)])
def test_a_length_of_time_is_seconds_or_has_its_unit(
    environment: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    environment.setenv("MAX_SIGNAL_AGE_S", text)
    assert load(RiskSettings).limits.max_signal_age_s == seconds


def test_a_secret_of_a_container_is_read_from_the_file_that_is_called_as_its_variable(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The environment goes before it, and without CDB_SECRETS_DIR no file is looked for."""
    for folder, name in (("redis", "REDIS_PASSWORD"), ("postgres", "POSTGRES_PASSWORD"), ("otlp", "CDB_OTLP_TOKEN")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(f"from-file-{folder}\n")
        if name != "CDB_OTLP_TOKEN":
            environment.delenv(name)
    environment.setenv("CDB_SECRETS_DIR", str(tmp_path))
    settings = load(RiskSettings)
    assert settings.redis_password.get_secret_value() == "from-file-redis"
    assert settings.postgres_password.get_secret_value() == "from-file-postgres"
    assert settings.otlp_token.get_secret_value() == SECRETS["CDB_OTLP_TOKEN"]
    environment.delenv("CDB_SECRETS_DIR")
    with pytest.raises(SystemExit):
        load(RiskSettings)


@pytest.mark.parametrize("place", ["missing", "file"])
def test_a_directory_of_secrets_that_is_none_ends_the_start_with_a_line(
    environment: pytest.MonkeyPatch, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    environment.setenv("CDB_SECRETS_DIR", str(tmp_path / place))
    with pytest.raises(SystemExit):
        load(RiskSettings)
    said = capsys.readouterr().err
    assert said == f"CDB_SECRETS_DIR='{tmp_path / place}' is no directory that can be read: it holds those of secrets\n"


SHARES = ("MAX_DAILY_DRAWDOWN_PCT", "MAX_POSITION_PCT", "MAX_EXPOSURE_PCT", "ORDER_SIZE_PCT", "STOP_LOSS_PCT")
WRONG: list[tuple[type[Settings], str, str, str]] = [
    *(
        (RiskSettings, name, value, f"{allowed} {SHARE}")
        for name in (
            "MAX_DAILY_DRAWDOWN_PCT",
            "MAX_POSITION_PCT",
            "MAX_EXPOSURE_PCT",
            "ORDER_SIZE_PCT",
            "STOP_LOSS_PCT",
        )
        for value, allowed in (
            ("5", "less than or equal to 1"),
            ("-0.05", "greater than 0"),
            ("0", "greater than 0"),
            ("five", "valid decimal"),
            ("5%", "valid decimal"),
            ("NaN", "finite number"),
            ("Infinity", "finite number"),
        )
    ),
    (MomentumSettings, "MOMENTUM_THRESHOLD_PCT", "4", "less than or equal to 1"),
    (MomentumSettings, "MOMENTUM_LOOKBACK_S", "0", "'0' is out of range: 1us to 1d is allowed"),
    (MomentumSettings, "MOMENTUM_COOLDOWN_S", "nan", "such as 90s, 15m or 7d"),
    (MomentumSettings, "MOMENTUM_COOLDOWN_S", "1e3", "such as 90s, 15m or 7d"),
    (MomentumSettings, "MOMENTUM_COOLDOWN_S", "a while", "(no unit means s) is allowed, such as 90s, 15m or 7d"),
    (RiskSettings, "MAX_SIGNAL_AGE_S", "2d", "'2d' is out of range: 1us to 1d is allowed"),
    (RiskSettings, "CDB_OTLP_ENDPOINT", "localhost:4317", "(http://host:port, or off)"),
    (RiskSettings, "CDB_TELEMETRY_RECORDING", "slow", "'fast' or 'sdk'"),
    (MomentumSettings, "MOMENTUM_MIN_VOLUME", "-1", "greater than or equal to 0"),
    (MeanReversionSettings, "MEAN_REVERSION_THRESHOLD", "0", "greater than 0 (in standard deviations)"),
    (MeanReversionSettings, "MEAN_REVERSION_MIN_TRADES", "1", "greater than or equal to 2"),
    (CoreSettings, "CDB_PLUGIN_PATH", "/no/such/place", "there must be a directory there (the absolute path of a dir"),
    (WsSettings, "CDB_PLUGIN_PATH", "services", "there must be a directory there (the absolute path of a directory)"),
    (ExecutionSettings, "PAPER_FEE_BPS", "501", "less than or equal to 500"),
    (ExecutionSettings, "PAPER_DEPTH", "0", "greater than 0"),
    (RiskSettings, "MAX_ORDERS_PER_MINUTE", "1.5", "valid integer"),
    (RiskSettings, "MAX_ORDERS_PER_MINUTE", "0", "greater than or equal to 1"),
    (RiskSettings, "CDB_OPENING_CASH", "-1", "greater than 0"),
    (RiskSettings, "REDIS_PORT", "65536", "less than or equal to 65535"),
    (RiskSettings, "POSTGRES_PORT", "five", "valid integer"),
    (RiskSettings, "CDB_SYMBOLS", ",", "at least 1 item"),
    (
        RiskSettings,
        "CDB_SYMBOLS",
        "BTCUSDT,btc-usdt",
        "each must be 2 to 20 capital letters or digits, such as BTCUSDT",
    ),
    (MexcSettings, "MEXC_WS_URL", "http://there", "it must begin with ws:// or wss://, then a host"),
    (MexcSettings, "MEXC_REST_URL", "ws://there", "it must begin with http:// or https://, then a host"),
    (RiskSettings, "CDB_TEST_ENDPOINTS", "maybe", "valid boolean"),
    (RiskSettings, "CDB_SOURCE", "../x", "a name of letters, digits and _ is allowed, or package.module:Class"),
    (CoreSettings, "CDB_STRATEGIES", " , ", "at least 1 item"),
    (CoreSettings, "CDB_STRATEGIES", "momentum_v1,momentum_v1", "each may stand there once"),
    (RiskSettings, "CDB_LOG_LEVEL", "loud", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    (ReplaySettings, "CDB_REPLAY_SPEED", "fast", "(a factor such as 10, or max)"),
    (SimulatorSettings, "SIMULATOR_TRADES_PER_SECOND", "-20", "greater than 0"),
    (SimulatorSettings, "SIMULATOR_SEED", "x", "valid integer"),
]


def test_no_setting_that_an_operator_can_meet_is_refused_with_a_regular_expression() -> None:
    kinds: list[type[Settings]] = [
        *known_settings.SERVICES,
        *known_settings.of_plugins_here({}, ROOT),
        ServerSettings,
        NotificationSettings,
    ]
    fields = {name: field for kind in kinds for name, field in kind.variables().items()}
    assert {"CDB_SYMBOLS", "MEXC_WS_URL", "BINANCE_REST_URL", "CDB_STRATEGIES"} <= fields.keys()
    assert [name for name, field in fields.items() if "pattern=" in repr((field.annotation, field.metadata))] == []


@pytest.mark.parametrize(("kind", "name", "value", "allowed"), WRONG)
def test_wrong_value_is_refused_naming_variable_value_and_what_is_allowed(
    kind: type[Settings],
    name: str,
    value: str,
    allowed: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load(kind)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{name}={value!r} is refused: ")
    assert line.endswith(allowed) or allowed in line


def test_every_wrong_variable_gets_its_line_and_no_secret_is_told(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("MAX_POSITION_PCT", "10")
    environment.setenv("CDB_RISK_PORT", "none")
    environment.setenv("POSTGRES_PASSWORD", "hunter2-\u00e4")
    with pytest.raises(SystemExit):
        load(RiskSettings)
    error = capsys.readouterr().err
    assert [line.split(" is refused: ")[0] for line in error.splitlines()] == [
        "POSTGRES_PASSWORD",
        "CDB_RISK_PORT='none'",
        "MAX_POSITION_PCT='10'",
    ]
    assert "hunter2" not in error


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_value_means_the_default(kind: type[Settings], empty: str, environment: pytest.MonkeyPatch) -> None:
    default = load(kind)
    for name in kind.variables():
        if name not in SECRETS:
            environment.setenv(name, empty)
    assert load(kind) == default


def test_the_export_can_be_switched_off_by_a_word(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CDB_OTLP_ENDPOINT", "off")
    assert load(RiskSettings).otlp_endpoint == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"MAX_POSITION_PCT": "0.05"},
            "ORDER_SIZE_PCT=0.085 and MAX_POSITION_PCT=0.05 cannot work together: "
            "every order would be larger than a position may be",
        ),
        (
            {"ORDER_SIZE_PCT": "0.2", "MAX_POSITION_PCT": "0.2", "MAX_EXPOSURE_PCT": "0.1"},
            "ORDER_SIZE_PCT=0.2 and MAX_EXPOSURE_PCT=0.1 cannot work together: "
            "every order would be larger than all positions together may be",
        ),
        (
            {"MAX_POSITION_PCT": "0.6"},
            "MAX_POSITION_PCT=0.6 and MAX_EXPOSURE_PCT=0.50 cannot work together: "
            "one position could never be larger than all together may be",
        ),
    ],
)
def test_limits_that_cannot_work_together_are_refused_with_both_names(
    given: dict[str, str], said: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in given.items():
        environment.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load(RiskSettings)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{said}\n"


def test_limits_that_are_equal_work_together(environment: pytest.MonkeyPatch) -> None:
    for name in ("ORDER_SIZE_PCT", "MAX_POSITION_PCT", "MAX_EXPOSURE_PCT"):
        environment.setenv(name, "1")
    assert load(RiskSettings).limits.order_size == 1


@pytest.mark.parametrize("token", ["gr\u00f6\u00dfe-of-the-token", "two words", "$(whoami)", "a:b", "tab\tbed"])
def test_a_token_that_a_header_cannot_carry_is_refused_by_name_and_not_shown(
    token: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("CDB_OTLP_TOKEN", token)
    with pytest.raises(SystemExit):
        load(RiskSettings)
    said = capsys.readouterr().err
    assert said == "CDB_OTLP_TOKEN is refused: only letters, digits and . _ ~ + / - are allowed\n"


@pytest.mark.parametrize("password", ["p\u00e4ssword", "\u043f\u0430\u0440\u043e\u043b\u044c", "zero\u200bwidth"])
def test_a_password_outside_of_ascii_is_refused_by_name_and_not_shown(
    password: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("REDIS_PASSWORD", password)
    with pytest.raises(SystemExit):
        load(RiskSettings)
    assert capsys.readouterr().err == "REDIS_PASSWORD is refused: only printable ASCII characters are allowed\n"


def test_a_variable_that_is_called_like_a_field_of_ours_is_somebody_elses(environment: pytest.MonkeyPatch) -> None:
    """Only the names that are documented are read."""
    before = load(RiskSettings)
    for name in ("port", "symbols", "limits", "opening_cash"):
        environment.setenv(name, "1")
    assert load(RiskSettings) == before


@pytest.mark.parametrize("name", ["REDIS_PASSWORD", "POSTGRES_PASSWORD"])
def test_missing_secret_names_the_command_that_makes_it(
    name: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv(name)
    with pytest.raises(SystemExit):
        load(RiskSettings)
    assert capsys.readouterr().err == f"{name} is not set: it has no default ('make env' writes secrets into .env)\n"


def test_settings_that_are_printed_hide_their_secrets() -> None:
    shown = load(RiskSettings)
    assert "hunter2" not in f"{shown!r} {shown} {shown.model_dump()}"
    assert shown.redis_password.get_secret_value() == "hunter2-redis"
