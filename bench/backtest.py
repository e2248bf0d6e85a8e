"""How fast backtests are: against a replay, with a signal for every trade, in memory, against another program.

Ratios come from rounds in which a replay and a backtest take turns on the same trades. Needs a quiet machine.

    python -m bench.backtest [--rounds 3] [--trades 1000000] [--other PYTHON] [--json]

With --other, bench/other_backtest.py runs the same rule on the same trades under PYTHON, which has nautilus_trader.
"""

import argparse
import cProfile
import io
import json
import os
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cdb.backtest.run import Request, run
from cdb.kit.paths import ROOT
from cdb.replay import run as replays_run
from cdb.replay.saved import Replays
from cdb.replay.tape import Tape, examine
from services.ws.tape.rows import Reading
from tests.support.tapes import market_trades, write_tape

SEED: Final = 5
REPLAYED: Final = 3_000
"""A replay takes milliseconds for each trade."""
SPARSE: Final = {"MOMENTUM_THRESHOLD_PCT": "0.0055", "MOMENTUM_COOLDOWN_S": "480"}
"""About one trade in a thousand gives a signal."""
DENSE: Final = {
    "MOMENTUM_THRESHOLD_PCT": "0.0000001",
    "MOMENTUM_COOLDOWN_S": "0.000001",
    "MOMENTUM_MIN_VOLUME": "0",
    "MAX_ORDERS_PER_MINUTE": "1000000",
}
"""Every trade gives a signal, but a symbol's first one."""
PER_SECOND: Final = 12.0
"""A million trades are a day."""


class Bench:
    """Tapes and ledgers in one folder."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._replays = Replays(ROOT, place / "replays")

    def tape(self, trades: int) -> Tape:
        """A file of so many trades of six symbols."""
        file = self._place / f"{trades}.csv"
        if not file.exists():
            write_tape(file, market_trades(trades, seed=SEED, per_second=PER_SECOND))
        return examine(file, Reading(), name=file.name, on_rows=lambda _rows: None)

    def replay(self, tape: Tape, settings: dict[str, str]) -> float:
        """Trades per second of a replay, from the first one on."""
        seen: list[tuple[float, int]] = []
        request = replays_run.Request(tape=tape, speed="max", settings=settings)
        replays_run.run(self._replays, request, lambda rows: seen.append((time.monotonic(), rows)))
        (began, first), (ended, last) = next(one for one in seen if one[1]), seen[-1]
        return (last - first) / (ended - began)

    def backtest(self, tape: Tape, settings: dict[str, str]) -> tuple[float, int]:
        """Trades per second of a backtest, and its signals."""
        request = Request(tapes=[tape], settings=settings)
        result = run(self._replays, request, lambda _rows, _ns: None, threading.Event())
        return result.rows_per_second, result.summary.signals


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trades", type=int, default=1_000_000)
    parser.add_argument("--other", help="a Python that has nautilus_trader")
    parser.add_argument("--json", action="store_true", help="print one object instead of lines")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = measure(Bench(Path(place)), Path(place), asked)
    if asked.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<44}{value:>14,.1f}" if isinstance(value, float) else f"{name}:\n{value}")


def measure(bench: Bench, place: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """All figures by name; rates are trades or signals per second."""
    small, large = bench.tape(REPLAYED), bench.tape(asked.trades)
    rounds = []
    for number in range(asked.rounds):
        sys.stderr.write(f"round {number + 1} of {asked.rounds}\n")
        replayed = bench.replay(small, SPARSE)
        rounds.append((replayed, *bench.backtest(large, SPARSE)))
    found: dict[str, Any] = {
        "replay, trades/s": statistics.median(one[0] for one in rounds),
        "backtest, trades/s": statistics.median(one[1] for one in rounds),
        "backtest, trades for each signal": asked.trades / rounds[0][2],
        "backtest/replay": statistics.median(one[1] / one[0] for one in rounds),
    }
    rate, signals = bench.backtest(small, DENSE)
    found["a signal for every trade, signals/s"] = rate * signals / small.rows
    found["memory of the command, MB"] = _megabytes(place, large)
    if asked.other:
        found |= _other(asked.other, large, bench, asked.rounds)
    tape = bench.tape(100_000)
    found["profile"] = _profile(lambda: bench.backtest(tape, SPARSE))
    return found


def _megabytes(place: Path, tape: Tape) -> float:
    options = [word for name, value in SPARSE.items() for word in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "cdb", "backtest", str(tape.path), "--json", *options]
    environment = {**os.environ, "CDB_STATE_DIR": str(place / "state")}
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _other(python: str, tape: Tape, bench: Bench, rounds: int) -> dict[str, float]:
    """The other program and ours in turns, reading included in both."""
    theirs, ours = [], []
    for _ in range(rounds):
        run = subprocess.run(
            [python, str(ROOT / "bench" / "other_backtest.py"), str(tape.path), json.dumps(SPARSE)],
            check=True,
            capture_output=True,
            text=True,
        )
        theirs.append(json.loads(run.stdout)["trades_per_second"])
        ours.append(bench.backtest(tape, SPARSE)[0])
    return {
        "nautilus_trader, trades/s": statistics.median(theirs),
        "backtest/nautilus_trader": statistics.median(o / t for o, t in zip(ours, theirs, strict=True)),
    }


def _profile(action: Callable[[], object]) -> str:
    """Where the time goes: the functions with the most time of their own."""
    profile = cProfile.Profile()
    profile.runcall(action)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(20)
    return text.getvalue()


if __name__ == "__main__":
    main()
