"""After a replay every metric says what the ledger says, in Prometheus and at the collector."""

import csv
import math
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from cdb.running.native import TRADING
from tests.support.bot import SERVICES, Bot, running_bot
from tests.support.paths import ROOT
from tests.support.tapes import REFUSED, TIGHT, write_lively
from tests.support.waiting import until
from tests.system.native.expected_metrics import VIEWS, Figures, Tape, by_ledger, differences, values

pytestmark = pytest.mark.e2e

REAL: Final = ROOT / "tests" / "data" / "ethusdt-trades-2023-02-02.csv"
QUICK: Final = {"CDB_METRIC_EXPORT_INTERVAL_S": "1", "CDB_SCRAPE_INTERVAL": "1s", "CDB_LOG_LEVEL": "WARNING"}
QUIET_MARKET: Final = {"MOMENTUM_THRESHOLD_PCT": "0.00008"}


@dataclass(frozen=True)
class Replayed:
    """A replay that is done: what the ledger says, what each view shows of it, and the services' last log lines."""

    expected: Figures
    shown: dict[str, Figures]
    logs: str


def test_every_figure_is_the_ledgers(replayed: Replayed, view: str) -> None:
    """Counters, gauges, sums and every bucket, of every label set."""
    found = differences(replayed.expected, replayed.shown[view])
    assert not found, f"{len(found)} figures differ:\n" + "\n".join([*found, replayed.logs])


@pytest.mark.parametrize("replayed", ["lively"], indirect=True)
def test_the_lively_tape_moves_every_figure(replayed: Replayed, view: str) -> None:
    """No metric is only 0 compared with 0, and two positions are left.

    DRAWDOWN_LIMIT is not among the reasons: the breaker trips on the price, before a signal could meet the limit.
    """
    shown = replayed.shown[view]
    still = {name for name, _ in replayed.expected if not values(shown, name)}
    assert not still
    assert values(shown, "cdb_open_positions", "symbol") == {("BBBUSDT",): 1, ("FFFUSDT",): 1}
    assert {reason for (reason,) in values(shown, "cdb_orders_rejected_total", "reason_code")} == {
        "STALE_MARKET_DATA",
        "CIRCUIT_BREAKER_ACTIVE",
        "EXPOSURE_LIMIT",
        "POSITION_SIZE_EXCEEDED",
        "ORDER_RATE_EXCEEDED",
        "NO_POSITION",
    }


@pytest.mark.parametrize("replayed", ["lively"], indirect=True)
def test_losses_are_in_their_buckets_and_in_the_sum(replayed: Replayed, view: str) -> None:
    """Results of about -6004, -519, -91, -91, -47, 120 and 664."""
    shown = replayed.shown[view]
    buckets = {float(bound): count for (bound,), count in values(shown, "cdb_trade_pnl_usd_bucket", "le").items()}
    expected = {-1000: 1, -500: 2, -100: 2, -50: 4, -10: 5, 0: 5, 10: 5, 50: 5, 100: 5, 500: 6, 1000: 7, math.inf: 7}
    assert buckets == expected
    assert -5968 < values(shown, "cdb_trade_pnl_usd_sum")[()] < -5966


@pytest.mark.parametrize("replayed", ["real"], indirect=True)
def test_real_trades_lead_to_fills(replayed: Replayed, view: str) -> None:
    for name in ("cdb_orders_approved_total", "cdb_orders_rejected_total", "cdb_trade_pnl_usd_count"):
        assert values(replayed.shown[view], name), name


@pytest.fixture(params=VIEWS)
def view(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["real", "lively", "reference"])
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """Replay a tape with a collector and a Prometheus of its own, and wait until they agree with its ledger.

    *reference*: the lively one, recorded by OpenTelemetry's own instruments.
    """
    folder = tmp_path_factory.mktemp(str(request.param))
    tape, settings = (real_tape(), QUIET_MARKET) if request.param == "real" else (lively_tape(folder), TIGHT)
    if request.param == "reference":
        settings = {**settings, "CDB_TELEMETRY_RECORDING": "sdk"}
    with running_bot(
        folder / "state",
        {**QUICK, **settings, **replay_settings(tape)},
        parts=(*TRADING, "otel_collector", "prometheus"),
    ) as bot:
        wait_finished(bot, tape)
        expected = by_ledger(bot, tape)
        with suppress(AssertionError):  # the tests tell the differences, each its own
            until(
                lambda: [line for look in VIEWS.values() for line in differences(expected, look(bot))],
                holds=lambda found: not found,
                every_s=0.5,
            )
        logs = "\n".join(line for part in SERVICES for line in bot.stack.log_tail(part, 20))
        return Replayed(expected, {name: look(bot) for name, look in VIEWS.items()}, logs)


def replay_settings(tape: Tape) -> dict[str, str]:
    """What makes a stack replay *tape* in lockstep."""
    return {
        "CDB_SOURCE": "replay",
        "CDB_REPLAY_FILE": str(tape.file),
        "CDB_REPLAY_SPEED": "max",
        "CDB_SYMBOLS": ",".join(sorted(tape.trades)),
        "CDB_CLOCK": "event",
        "CDB_LOCKSTEP": "1",
    }


def wait_finished(bot: Bot, tape: Tape) -> None:
    """Wait until the tape is through, no order is on its way, and the newest prices are in the ledger."""

    def feed() -> dict[str, Any]:
        return bot.ask("cdb_ws", "/feed")[1] or {}

    done = until(feed, holds=lambda seen: bool(seen.get("finished")), within_s=120, what="the end of the tape")
    assert (done["published"], done["refused"]) == (sum(tape.trades.values()), sum(tape.refused.values()))
    until(
        lambda: dict(bot.query("SELECT symbol, price FROM marks")),
        holds=lambda marks: marks == tape.newest,
        what=f"the ledger's prices {tape.newest}",
    )
    assert bot.count("orders", "state = 'placed'") == 0
    assert bot.dead_letters() == []


def real_tape() -> Tape:
    """The file of trades that happened."""
    return tape_of(REAL, {})


def lively_tape(folder: Path) -> Tape:
    """The lively file, with rows behind its trades that are none."""
    return tape_of(write_lively(folder / "lively.csv"), {reason: len(rows) for reason, rows in REFUSED.items()})


def tape_of(file: Path, refused: dict[str, int]) -> Tape:
    """Describe *file*, whose last rows are the *refused* ones."""
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    trades = rows[: len(rows) - sum(refused.values())]
    newest = {row["symbol"]: Decimal(row["price"]) for row in trades}
    return Tape(file, Counter(row["symbol"] for row in trades), refused, newest)
