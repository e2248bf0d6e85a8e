"""One list of the settings that exist, and what a wrong name was probably meant to be."""

import re
from pathlib import Path
from typing import Final

import pytest

from cdb.running.errors import StackError
from cdb.running.native import envfile, known_settings
from cdb.running.native.unknown_settings import nearest, unread
from console.settings import ConsoleSettings
from services.settings import Settings
from tests.support.paths import ROOT

SETTINGS: Final = known_settings.settings({}, ROOT)
PLUGIN: Final = """
from pydantic import Field
from services.settings import Settings

class MineSettings(Settings):
    depth: int = Field(3, validation_alias="MINE_DEPTH")

class Mine:
    settings = MineSettings
"""


def test_every_line_of_the_template_and_nothing_internal_is_a_setting() -> None:
    assert known_settings.DOCUMENTED <= SETTINGS
    assert not SETTINGS & (known_settings.OF_THE_ENVIRONMENT | known_settings.OF_A_REPLAY | known_settings.OF_THE_STACK)


def test_what_the_console_reads_is_known() -> None:
    assert ConsoleSettings.variables().keys() <= known_settings.names({}, ROOT)


def test_what_only_docker_reads_stands_under_that_heading() -> None:
    text = envfile.TEMPLATE.read_text(encoding="utf-8")
    section = text.split("(Docker only) ----", 1)[1].split("# ----", 1)[0]
    assert {*re.findall(r"^#?([A-Z][A-Z0-9_]*)=", section, flags=re.MULTILINE)} == known_settings.OF_CONTAINERS


def test_settings_of_somebody_elses_strategy_are_known_while_it_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "mine_of_a_test.py").write_text(PLUGIN)
    chosen = {"CDB_STRATEGIES": "momentum_v1,mine_of_a_test:Mine"}
    assert "MINE_DEPTH" in known_settings.settings(chosen, tmp_path) - known_settings.settings({}, tmp_path)
    assert {"MINE_DEPTH", "MOMENTUM_COOLDOWN_S"} <= known_settings.of_trading(chosen, tmp_path)
    assert "MOMENTUM_COOLDOWN_S" not in known_settings.of_trading({"CDB_STRATEGIES": "mine_of_a_test:Mine"}, tmp_path)


@pytest.mark.parametrize("name", ["momentum_v2", "not_a_module:Class", "services.settings:Nothing", "json:dumps"])
def test_a_strategy_that_does_not_exist_is_refused_by_name(name: str) -> None:
    with pytest.raises(StackError, match=f"^CDB_STRATEGIES='{name}' is refused: "):
        known_settings.settings({"CDB_STRATEGIES": name}, ROOT)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("STOP_LOSS", "STOP_LOSS_PCT"),
        ("STOPLOSS_PCT", "STOP_LOSS_PCT"),
        ("MAX_DAILY_DRAWDOWN", "MAX_DAILY_DRAWDOWN_PCT"),
        ("MAX_DRAWDOWN_PCT", "MAX_DAILY_DRAWDOWN_PCT"),
        ("MAX_ORDERS", "MAX_ORDERS_PER_MINUTE"),
        ("MOMENTUM_TRESHOLD_PCT", "MOMENTUM_THRESHOLD_PCT"),
        ("max_position_pct", "MAX_POSITION_PCT"),
        ("SYMBOLS", "CDB_SYMBOLS"),
        ("CDB_TRACE_RETENTION_DAYS", "CDB_TRACE_RETENTION"),
        ("PAPER_FEES_BPS", "PAPER_FEE_BPS"),
        ("POSTGRES_PASS", "POSTGRES_PASSWORD"),
    ],
)
def test_the_nearest_right_name_is_found(written: str, meant: str) -> None:
    assert nearest(written, SETTINGS) == meant


@pytest.mark.parametrize(
    "name", ["REDIS_URL", "MAX_JOBS", "TZ", "HTTP_PROXY", "AWS_SECRET_ACCESS_KEY", "OTEL_SDK_DISABLED"]
)
def test_a_strangers_name_resembles_none(name: str) -> None:
    assert nearest(name, SETTINGS) == ""


def test_strangers_in_env_are_told_but_not_what_is_compose_s() -> None:
    lines = {"TZ": "UTC", "COMPOSE_PROJECT_NAME": "x", "DOCKER_HOST": "x", "MAX_POSITION_PCT": "0.1", "MY_OWN": ""}
    assert unread(lines, ROOT) == [f"{name} in .env is not a setting and has no effect" for name in ("MY_OWN", "TZ")]


def test_no_two_settings_are_so_alike_that_one_is_taken_for_a_mistake() -> None:
    assert all(nearest(name, SETTINGS) == name for name in SETTINGS)
    assert all(issubclass(kind, Settings) for kind in known_settings.SERVICES)
