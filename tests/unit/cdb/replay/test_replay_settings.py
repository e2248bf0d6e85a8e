"""Which settings a replay takes: what has an effect on it, and nothing else without a word."""

from pathlib import Path
from typing import Final

import pytest

from cdb.replay.settings import chosen_settings, environment
from cdb.replay.tape import Tape
from cdb.running.errors import StackError
from services.ws.tape.rows import Reading

TAPE: Final = Tape(Path("trades.csv"), Reading(), 3, ("BTCUSDT", "ETHUSDT"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STOP_LOSS", "0.01", "STOP_LOSS in --set is not a setting: did you mean STOP_LOSS_PCT?"),
        (
            "MAX_DAILY_DRAWDOWN",
            "0.02",
            "MAX_DAILY_DRAWDOWN in --set is not a setting: did you mean MAX_DAILY_DRAWDOWN_PCT?",
        ),
        (
            "MOMENTUM_TRESHOLD_PCT",
            "1",
            "MOMENTUM_TRESHOLD_PCT in --set is not a setting: did you mean MOMENTUM_THRESHOLD_PCT?",
        ),
        ("NONSENSE", "1", "NONSENSE in --set is not a setting: deploy/env.template lists all"),
        ("CDB_SOURCE", "simulated", "--set CDB_SOURCE is refused: a replay sets it itself"),
        ("CDB_SYMBOLS", "BTCUSDT", "--set CDB_SYMBOLS is refused: a replay sets it itself"),
        ("CDB_REPLAY_SPEED", "3", "--set CDB_REPLAY_SPEED is refused: a replay sets it itself"),
        ("CDB_LOG_LEVEL", "DEBUG", "--set CDB_LOG_LEVEL is refused: a replay sets it itself"),
        ("POSTGRES_DB", "mine", "--set POSTGRES_DB is refused: a replay sets it itself"),
        ("REDIS_PORT", "1", "--set REDIS_PORT is refused: a replay sets it itself"),
        ("CDB_TRACE_RETENTION", "7d", "--set CDB_TRACE_RETENTION is refused: it has no effect on a replay"),
        ("SIMULATOR_PACE", "2", "--set SIMULATOR_PACE is refused: it has no effect on a replay"),
        ("CDB_STATE_DIR", "elsewhere", "--set CDB_STATE_DIR is refused: it has no effect on a replay"),
        ("MAX_POSITION_PCT", "0.05", "ORDER_SIZE_PCT=0.085 and MAX_POSITION_PCT=0.05 cannot work together: "),
        ("STOP_LOSS_PCT", "two", "STOP_LOSS_PCT='two' is refused: "),
        (
            "CDB_STRATEGIES",
            "momentum_v9",
            "CDB_STRATEGIES='momentum_v9' is refused: there are mean_reversion_v1, momentum_v1",
        ),
    ],
)
def test_what_has_no_effect_or_cannot_work_is_refused_by_name(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(StackError) as refusal:
        chosen_settings({name: value}, {}, tmp_path)
    assert str(refusal.value).startswith(said)


def test_options_go_before_the_environment_and_that_before_env_and_empty_means_the_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STOP_LOSS_PCT=0.01\nORDER_SIZE_PCT=0.02\nMAX_PRICE_AGE_S=7\n")
    environ = {"ORDER_SIZE_PCT": "0.03", "MAX_PRICE_AGE_S": "8"}
    chosen = chosen_settings({"MAX_PRICE_AGE_S": "9", "STOP_LOSS_PCT": ""}, environ, tmp_path)
    assert (chosen["ORDER_SIZE_PCT"], chosen["MAX_PRICE_AGE_S"]) == ("0.03", "9")
    assert "STOP_LOSS_PCT" not in chosen


def test_what_is_misspelt_in_env_is_refused_for_a_replay_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAX_EXPOSURE=0.9\n")
    with pytest.raises(StackError, match=r"^MAX_EXPOSURE in \.env is not a setting: did you mean MAX_EXPOSURE_PCT\?$"):
        chosen_settings({}, {}, tmp_path)


def test_a_collector_setting_that_does_not_fit_does_not_stop_a_replay_which_has_none(tmp_path: Path) -> None:
    assert chosen_settings({"MAX_SIGNAL_AGE_S": "1h"}, {}, tmp_path)["MAX_SIGNAL_AGE_S"] == "1h"


def test_the_services_are_told_what_the_replay_sets(tmp_path: Path) -> None:
    told = environment(
        chosen_settings({}, {"CDB_SYMBOLS": "XRPUSDT", "CDB_TEST_ENDPOINTS": "1"}, tmp_path), TAPE.symbols
    )
    assert told["CDB_SYMBOLS"] == "BTCUSDT,ETHUSDT"
    assert (told["CDB_SOURCE"], told["CDB_TEST_ENDPOINTS"], told["CDB_OTLP_ENDPOINT"]) == ("replay", "0", "off")
