"""`cdb backtest`: the ledger that a replay gives, row for row, from one process."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.support.tapes import TIGHT, market_trades, write_lively, write_tape
from tests.system.native.replay_operator import QUIET_MARKET, REAL, Operator

pytestmark = pytest.mark.e2e

EVENTFUL: Final = "eventful"


def eventful(folder: Path) -> Path:
    """20,000 trades of six symbols: stop losses, a breaker that trips, a day's turn, refused rows."""
    return write_tape(folder / "eventful.csv", market_trades(20_000, seed=11, crash_at=13_300), refused_every=500)


TAPES: Final[dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]]] = {
    "real": (lambda _folder: REAL, QUIET_MARKET),
    "lively": (
        lambda folder: write_lively(folder / "lively.csv"),
        tuple(word for name, value in TIGHT.items() for word in ("--set", f"{name}={value}")),
    ),
    EVENTFUL: (eventful, ()),
}


@pytest.mark.parametrize("name", TAPES)
def test_a_backtest_gives_the_ledger_of_a_replay_row_for_row(operator: Operator, tmp_path: Path, name: str) -> None:
    make, settings = TAPES[name]
    file = make(tmp_path)
    replayed = operator.replay(file, *settings, "--into", "replayed")
    backtested = operator.backtest(file, *settings, "--into", "backtested")["summary"]
    assert backtested == {**replayed, "ledger": "backtested"}
    rows = operator.rows("backtested")
    assert rows == operator.rows("replayed")
    audit = operator.cdb("audit", "--replay", "backtested")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    if name == EVENTFUL:
        assert replayed["refused"] == 40
        assert replayed["stop_losses"] > 0
        assert len(rows["equity"]) == 2
        assert rows["breaker"]
