"""An operator who replays and backtests files of trades, and reads the saved ledgers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from cdb.replay.saved import Replays
from cdb.running.native import Stack
from cdb.running.native.tools import postgres_bin, redis_server
from services.ledger.connection import Ledger
from tests.support.http import ask
from tests.support.paths import ROOT
from tests.support.programs import required
from tests.support.waiting import until

REAL: Final = ROOT / "tests" / "data" / "ethusdt-trades-2023-02-02.csv"
HEADER: Final = "ts_ms,trade_id,symbol,side,price,quantity\n"
NOON: Final = 1_700_049_600_000  # 2023-11-15 12:00:00 UTC
QUIET_MARKET: Final = ("--set", "MOMENTUM_THRESHOLD_PCT=0.00008")
TABLES: Final = ("account", "signals", "decisions", "orders", "fills", "positions", "marks", "equity", "breaker")


class Operator:
    """Somebody at a terminal, with a state directory of his own."""

    def __init__(self, state: Path) -> None:
        required(redis_server)
        required(postgres_bin)
        self.replays = Replays(ROOT, state / "replays")
        self.environment = {**os.environ, "CDB_STATE_DIR": str(state)}

    def cdb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "cdb", *arguments)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def replay(self, file: Path, *arguments: str) -> dict[str, Any]:
        return self._json("replay", str(file), *arguments)

    def backtest(self, *arguments: str | Path) -> dict[str, Any]:
        return self._json("backtest", *map(str, arguments))

    def backtested(self, file: Path, *arguments: str) -> dict[str, Any]:
        """What `replay` of *file* would give."""
        summary: dict[str, Any] = self.backtest(file, *arguments)["summary"]
        return summary

    def _json(self, *arguments: str) -> dict[str, Any]:
        result = self.cdb(*arguments, "--json")
        assert result.returncode == 0, result.stdout + result.stderr
        found: dict[str, Any] = json.loads(result.stdout, parse_float=Decimal)
        return found

    def rows(self, name: str) -> dict[str, list[tuple[Any, ...]]]:
        with self.replays.opened(name) as address:
            ledger = Ledger(address, application="test")
            with ledger.transaction() as cursor:
                found = {}
                for table in TABLES:
                    cursor.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608  our own names
                    found[table] = cursor.fetchall()
            ledger.close()
        return found

    @contextmanager
    def backtesting(self, *arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
        """Backtest in another command, with a process group of its own as on a terminal."""
        command = [sys.executable, "-m", "cdb", "backtest", *map(str, arguments)]
        with subprocess.Popen(
            command, env=self.environment, cwd=ROOT, stdout=-1, stderr=-1, text=True, start_new_session=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def replaying(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """Replay so slowly that it lasts, in another command; the block begins when trades are read."""
        command = [sys.executable, "-m", "cdb", "replay", str(REAL), "--speed", "0.001", *arguments]
        directory = Path(self.environment["CDB_STATE_DIR"], "replays")
        with subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=-1, stderr=-1, text=True) as process:
            until(lambda: any(map(reads, directory.glob("*"))), within_s=120, what="the replay reads")
            try:
                yield process
            finally:
                process.kill()


def reads(place: Path) -> bool:
    """Whether the feed of the replay in *place* is being read."""
    found = Stack.attach(place)
    status, feed = ask(found.config.ports.cdb_ws, "/feed") if found else (0, {})
    return status == 200 and bool(feed["read"])
