"""A replay without a signal says how far its prices were from one."""

from pathlib import Path

import pytest

from cdb.replay.quiet import why_no_signal
from cdb.replay.tape import Tape
from services.ws.tape.rows import Reading
from tests.support.paths import DATA
from tests.unit.services.ws.tape.tables import HEADER, row, written

GIVEN = Tape(DATA / "ethusdt-trades-2023-02-02.csv", Reading(), 1000, ("ETHUSDT",))


def test_largest_move_is_named_beside_the_threshold(tmp_path: Path) -> None:
    """100 to 99.7 within the 5 s of the look-back, and a row that is no trade."""
    prices = ["100", "100.1", "1000", "100", "99.8", "99.9"]
    lines = [row(place, price=price) for place, price in enumerate(prices)]
    tape = Tape(written(tmp_path, [HEADER, *lines]), Reading(), 6, ("ETHUSDT",))
    assert why_no_signal([tape], {}) == (
        "no signal: the largest move within 5 s is -0.2000 % (ETHUSDT, line 6);"
        " MOMENTUM_THRESHOLD_PCT=0.004 asks for 0.4 %"
    )


def test_a_late_trade_moves_nothing_that_a_signal_could_be_made_of(tmp_path: Path) -> None:
    """As in the lead-in of a recording: strategies see it, and no signal is made of it."""
    lines = [
        f"{row(place, price=price)},{late}"
        for place, price, late in [
            (0, "100", "late"),
            (1, "99", "late"),
            (2, "99", ""),
            (12, "99", ""),
            (13, "99.1", ""),
        ]
    ]
    tape = Tape(written(tmp_path, [f"{HEADER},late", *lines]), Reading(), 5, ("ETHUSDT",))
    said = why_no_signal([tape], {})
    assert "(ETHUSDT, line 4)" in said


def test_threshold_and_look_back_are_those_that_were_set() -> None:
    said = why_no_signal([GIVEN], {"MOMENTUM_THRESHOLD_PCT": "0.05", "MOMENTUM_LOOKBACK_S": "60"})
    assert "within 60 s" in said
    assert said.endswith("MOMENTUM_THRESHOLD_PCT=0.05 asks for 5 %")


def test_move_that_was_large_enough_lacked_volume() -> None:
    said = why_no_signal([GIVEN], {"MOMENTUM_THRESHOLD_PCT": "0.00008", "MOMENTUM_MIN_VOLUME": "1000000000"})
    assert said.endswith("asks for 0.008 %, with at least 1000000000 traded")


@pytest.mark.parametrize("strategies", ["mean_reversion_v1", "package.module:Class"])
def test_other_strategies_have_other_reasons(strategies: str) -> None:
    assert why_no_signal([GIVEN], {"CDB_STRATEGIES": strategies}) == ""
