"""`cdb record` on a running bot: the tape, traded on again, gives the signals that were given live."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from services.ledger.connection import Ledger
from tests.exchange.market import Market
from tests.exchange.mexc import MexcServer
from tests.exchange.running import Running, running
from tests.exchange.tape import Tape
from tests.support.bot import LIVELY, Bot, running_bot
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.native.replay_operator import Operator

pytestmark = pytest.mark.e2e

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
RATE: Final = 40
RESTLESS: Final = {
    "MOMENTUM_LOOKBACK_S": "2",
    "MOMENTUM_COOLDOWN_S": "0.5",
    "MOMENTUM_MIN_VOLUME": "0",
    "MAX_ORDERS_PER_MINUTE": "10000",
    "CDB_STRATEGIES": "momentum_v1,mean_reversion_v1",
    "MEAN_REVERSION_LOOKBACK_S": "5",
    "MEAN_REVERSION_COOLDOWN_S": "1",
    "MEAN_REVERSION_MIN_VOLUME": "0",
    "MEAN_REVERSION_MIN_DISTANCE_PCT": "0.00001",
    "MOMENTUM_THRESHOLD_PCT": "0.00005",
}
SIGNALS: Final = "SELECT signal_id, side, price, strength, volatility FROM signals ORDER BY signal_id"


@dataclass(frozen=True)
class Taped:
    """A recorded file: what `cdb record --json` says, and which trades it has by how they are marked."""

    file: Path
    said: dict[str, Any]
    decided_on: frozenset[tuple[str, str]]
    late: frozenset[tuple[str, str]]
    end_s: float
    """Time of its newest trade."""

    @classmethod
    def read(cls, file: Path, said: str) -> "Taped":
        with gzip.open(file, "rt") as lines:
            header, *rows = [line.rstrip("\n").split(",") for line in lines]
        assert header == ["ts_ns", "trade_id", "symbol", "side", "price", "quantity", "late"]
        by_mark: dict[str, set[tuple[str, str]]] = {"": set(), "late": set()}
        for row in rows:
            by_mark[row[-1]].add((row[2], row[1]))
        end_s = max(int(row[0]) for row in rows) / 1e9
        return cls(file, json.loads(said), frozenset(by_mark[""]), frozenset(by_mark["late"]), end_s)


@contextmanager
def recording(bot: Bot, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "cdb", "record", *arguments]
    environment = bot.operators_environment()
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def signals_again(operator: Operator, command: str, tape: Taped, settings: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """The signals that *command* gives on *tape*."""
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    run = operator.cdb(command, str(tape.file), *words, "--into", command, "--max-invalid", "0", "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    with operator.replays.opened(command) as address, closing(Ledger(address, application="test")) as ledger:
        return ledger.execute(SIGNALS)


def signals_then(bot: Bot, tape: Taped) -> list[tuple[Any, ...]]:
    """The signals that *bot* gave because of trades that were recorded to be decided on."""
    return [row for row in bot.query(SIGNALS) if (row[0].split(":")[0], row[0].split(":")[2]) in tape.decided_on]


def test_a_recording_traded_on_again_gives_the_signals_of_then(bot: Bot, operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "recorded.csv.gz"
    settings = {name: value for name, value in LIVELY.items() if not name.startswith("SIMULATOR")}
    run = bot.cdb("record", "--for", "12s", str(file), "--json")
    assert (run.returncode, run.stderr) == (0, "")
    bot.quiesce()
    tape = Taped.read(file, run.stdout)
    assert tape.said["trades"] == len(tape.decided_on) > 500
    assert tape.said["lead_in"] == len(tape.late) > 0
    assert (tape.said["gaps"], tape.said["interrupted"], tape.said["repeated"]) == ([], False, 0)
    then = signals_then(bot, tape)
    assert len(then) > 10
    assert signals_again(operator, "backtest", tape, settings) == then
    assert signals_again(operator, "replay", tape, settings) == then


@contextmanager
def exchange() -> Iterator[Running]:
    market = Market(SYMBOLS, rest_keeps=1000)
    tape = Tape(market, seed=4, rate=RATE)
    tape.play_past(30, 600)
    with running(MexcServer(market), tape) as mexc:
        yield mexc


def test_trades_that_came_late_are_seen_and_not_decided_on_again(operator: Operator, tmp_path: Path) -> None:
    """The connection to the exchange is cut twice for some seconds; what REST then tells is late."""
    file = tmp_path / "recorded.csv.gz"
    with exchange() as mexc:
        place = {"MEXC_WS_URL": mexc.server.ws_url, "MEXC_REST_URL": mexc.server.rest_url}
        chosen = {**RESTLESS, "CDB_SYMBOLS": ",".join(SYMBOLS)}
        with running_bot(tmp_path / "state", {**chosen, **place, "CDB_SOURCE": "mexc"}) as bot:
            until(lambda: bot.count("signals") > 5, within_s=60, what="signals")
            with recording(bot, "--for", "25s", str(file), "--json") as process:
                for _ in range(2):
                    wait_for_deals(mexc, 150)
                    cut_off(mexc)
                said, complained = process.communicate(timeout=60)
            assert (process.returncode, complained) == (0, "")
            tape = Taped.read(file, said)
            assert tape.said["late"] > 20
            until(lambda: newest_signal_s(bot), holds=lambda at: at > tape.end_s + 1, what="a signal after the tape")
            then = signals_then(bot, tape)
    assert len(then) > 5
    assert signals_again(operator, "backtest", tape, RESTLESS) == then


def newest_signal_s(bot: Bot) -> float:
    """Time of the newest trade that gave a signal; risk writes signals in their order, so all before are written."""
    return float(bot.query("SELECT extract(epoch FROM max(ts_event)) FROM signals")[0][0])


def cut_off(mexc: Running) -> None:
    """End all connections and refuse new ones for about 6 s."""
    faults = mexc.server.faults
    faults.refuse_upgrade, faults.drop = 503, "reset"
    wait_for_deals(mexc, 6 * RATE)
    faults.heal()


def wait_for_deals(mexc: Running, count: int) -> None:
    market = mexc.server.market
    end = sum(map(market.count, SYMBOLS)) + count
    until(lambda: sum(map(market.count, SYMBOLS)), holds=lambda now: now >= end, what="deals on the exchange")
