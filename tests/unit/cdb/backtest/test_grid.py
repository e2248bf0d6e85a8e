"""Which combinations a grid has, and what is refused before anything starts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from cdb.backtest.grid import MOST_JOBS, BadGrid, Wishes, combinations, grid_of, written
from cdb.backtest.times import Span
from cdb.main import assembled
from cdb.replay.settings import chosen_settings
from cdb.running.errors import StackError

NO_WISHES: Final[dict[str, Any]] = dict.fromkeys(("grid", "jobs", "sort", "train", "test"))
A_GRID: Final = ["ORDER_SIZE_PCT=0.01,0.02"]


def test_every_combination_is_there_once_and_the_last_name_varies_fastest() -> None:
    found = combinations(["MOMENTUM_THRESHOLD_PCT=0.001, 0.002", "MOMENTUM_LOOKBACK_S=5,30"], {})
    assert [tuple(one.values()) for one in found] == [("0.001", "5"), ("0.001", "30"), ("0.002", "5"), ("0.002", "30")]
    assert written(found[1]) == "MOMENTUM_THRESHOLD_PCT=0.001 MOMENTUM_LOOKBACK_S=30"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["lookback=5"], "--grid 'lookback=5' must be NAME=VALUE,VALUE, such as MOMENTUM_LOOKBACK_S=5,30"),
        (["A"], "--grid 'A' must be NAME=VALUE,VALUE"),
        (["A="], "--grid A has no values: write --grid A=VALUE,VALUE"),
        (["A= , "], "--grid A has no values"),
        (["A=1,,2"], "--grid 'A=1,,2' has an empty value: write each value, the default too"),
        (["A=1,2,1"], "--grid A has the value 1 twice"),
        (["A=1", "A=2"], "--grid A is given twice: write all its values into one, --grid A=VALUE,VALUE"),
        (["B=1"], "--grid B and --set B both set B: remove one of them"),
        (
            [f"{name}={','.join(map(str, range(101)))}" for name in "AC"],
            "--grid makes 10,201 combinations; at most 1,000 are allowed",
        ),
    ],
)
def test_a_wrong_grid_is_refused_with_what_is_allowed(texts: Sequence[str], said: str) -> None:
    with pytest.raises(BadGrid) as refusal:
        combinations(texts, {"B": "--set B"})
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"jobs": 0}, f"--jobs 0 must be from 1 to {MOST_JOBS}"),
        ({"jobs": MOST_JOBS + 1}, f"--jobs {MOST_JOBS + 1} must be from 1 to {MOST_JOBS}"),
        (
            {"sort": "profit"},
            "--sort 'profit' is no figure: "
            "result, trades, won, drawdown, fees, unrealised, equity, exposure or signals is allowed",
        ),
        ({"train": "..2026-01-31"}, "--train and --test go together: --train T1..T2 --test T2..T3"),
        ({"test": "2026-01-31.."}, "--train and --test go together"),
    ],
)
def test_other_wrong_options_of_a_grid_are_refused_with_what_is_allowed(wishes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadGrid) as refusal:
        grid_of(Wishes(**{**NO_WISHES, "grid": A_GRID, **wishes}), Span(), taken={}, others={})
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize("option", ["jobs", "sort", "train", "test"])
def test_an_option_of_a_grid_is_refused_without_one(option: str) -> None:
    with pytest.raises(BadGrid, match=rf"^--{option} has no effect without --grid NAME=VALUE,VALUE$"):
        grid_of(Wishes(**{**NO_WISHES, option: "1"}), Span(), taken={}, others={})


def test_spans_of_a_grid_are_refused_beside_from_and_to() -> None:
    wishes = Wishes(**{**NO_WISHES, "grid": A_GRID, "train": "..2026-01-31", "test": "2026-01-31.."})
    with pytest.raises(BadGrid, match=r"^--from and --to cannot be used with --train and --test"):
        grid_of(wishes, Span(1, None), taken={}, others={})


def test_without_options_of_a_grid_there_is_none() -> None:
    assert grid_of(Wishes(**NO_WISHES), Span(), taken={}, others={"--keep": True}) is None


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"MOMENTUM_TRESHOLD_PCT": "1"}, "MOMENTUM_TRESHOLD_PCT in --grid is not a setting: did you mean MOMENTUM_THR"),
        ({"SIMULATOR_PACE": "2"}, "--grid SIMULATOR_PACE is refused: it has no effect on a replay"),
        ({"CDB_SYMBOLS": "BTCUSDT"}, "--grid CDB_SYMBOLS is refused: a replay sets it itself"),
        ({"STOP_LOSS_PCT": "two"}, "STOP_LOSS_PCT='two' is refused: "),
        ({"MAX_POSITION_PCT": "0.05"}, "ORDER_SIZE_PCT=0.085 and MAX_POSITION_PCT=0.05 cannot work together: "),
    ],
)
def test_a_setting_of_a_grid_is_refused_as_one_of_set_is(tmp_path: Path, grid: dict[str, str], said: str) -> None:
    with pytest.raises(StackError) as refusal:
        chosen_settings({}, {}, tmp_path, grid=grid)
    assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--keep"], 2, "--keep cannot be used with --grid: a grid keeps figures, and no ledger or page"),
        (["--into", "mine"], 2, "--into cannot be used with --grid"),
        (["--html", "page.html"], 2, "--html cannot be used with --grid"),
        (["--set", "ORDER_SIZE_PCT=0.01"], 2, "--grid ORDER_SIZE_PCT and --set ORDER_SIZE_PCT both set ORDER_SIZE_PCT"),
        (
            ["--grid", "CDB_STRATEGIES=momentum_v1", "--strategy", "momentum_v1"],
            2,
            "--grid CDB_STRATEGIES and --strategy both set CDB_STRATEGIES: remove one of them",
        ),
        (["--grid", "STOP_LOSS_PCT=0.02,two"], 1, "STOP_LOSS_PCT='two' is refused"),
    ],
)
def test_the_command_refuses_before_it_looks_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], code: int, said: str
) -> None:
    monkeypatch.setenv("CDB_STATE_DIR", str(tmp_path / "state"))
    app = assembled(("backtest",))
    result = CliRunner().invoke(app, ["backtest", "not-there.csv", "--grid", "ORDER_SIZE_PCT=0.01,0.02", *words])
    assert (result.exit_code, result.output.startswith(f"cdb: {said}")) == (code, True), result.output
    assert not (tmp_path / "state").exists()
