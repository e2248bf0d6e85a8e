"""Which backtests a grid is made of, and when two of them are the same."""

from pathlib import Path
from typing import Final

import pytest

from cdb.backtest.grid import Grid
from cdb.backtest.grid_run import entries_of
from cdb.replay.tape import Tape
from services.ws.tape.rows import Reading
from tests.unit.cdb.backtest.building import TEST, TRAIN

COMBINATIONS: Final = ({"ORDER_SIZE_PCT": "0.01"}, {"ORDER_SIZE_PCT": "0.02"})


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    file = tmp_path / "trades.csv"
    file.write_text("ts_ms,price\n1,2\n")
    return Tape(file, Reading(), 1, ("BTCUSDT",))


def keys_of(tape: Tape, **others: str) -> list[str]:
    grid = Grid(combinations=COMBINATIONS, spans=[TRAIN, TEST], jobs=1, sort="result")
    return [entry.key for entry in entries_of(grid, [{**one, **others} for one in COMBINATIONS], [tape])]


def test_every_combination_is_backtested_on_every_span_and_done_with_before_the_next(tape: Tape) -> None:
    grid = Grid(combinations=COMBINATIONS, spans=[TRAIN, TEST], jobs=1, sort="result")
    entries = entries_of(grid, [{**one, "STOP_LOSS_PCT": "0.03"} for one in COMBINATIONS], [tape])
    assert [(entry.combination, entry.span) for entry in entries] == [
        (combination, span) for combination in COMBINATIONS for span in (TRAIN, TEST)
    ]
    assert [entry.settings["STOP_LOSS_PCT"] for entry in entries] == ["0.03"] * 4
    assert len({entry.key for entry in entries}) == 4


@pytest.mark.parametrize("name", ["STOP_LOSS_PCT", "MOMENTUM_COOLDOWN_S", "CDB_OPENING_CASH"])
def test_a_setting_of_trading_that_is_not_varied_is_part_of_the_key(tape: Tape, name: str) -> None:
    assert not {*keys_of(tape)} & {*keys_of(tape, **{name: "0.03"})}


@pytest.mark.parametrize(
    "name", ["POSTGRES_PASSWORD", "CDB_SLACK_WEBHOOK_URL", "CDB_TRACE_RETENTION", "SIMULATOR_PACE"]
)
def test_a_setting_without_effect_on_a_backtest_is_not(tape: Tape, name: str) -> None:
    assert keys_of(tape) == keys_of(tape, **{name: "0.03"})
