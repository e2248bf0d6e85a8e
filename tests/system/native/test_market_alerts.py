"""The alerts on a market by their real causes: it moves or trades more than in the hours before, or nothing is decided.

Times of the watching are a tenth (fast_copy.py). Prometheus is given the hours before as blocks; all that comes after
is what the services report. The volatility of a price is that of 5 minutes, which are not divided, so this takes a
while.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cdb.running.native import Stack
from tests.support.alerted_bot import TOLD, Alert, Watch, watched_ten_times_as_fast
from tests.support.bot import Bot
from tests.support.fast_copy import FACTOR, FAST_EXPORTS
from tests.support.programs import promtool
from tests.support.waiting import until
from tests.system.native.market_moves import marks, shock
from tests.system.native.messages import signal, trade

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CALM: Final = {**FAST_EXPORTS, "MOMENTUM_THRESHOLD_PCT": "0.9"}
"""A strategy that sees nothing in this market."""
MOVED: Final = "BTCUSDT"
TRADED: Final = "ETHUSDT"
HISTORY: Final = {
    f'symbol:cdb_market_volatility_pct:max{{symbol="{MOVED}"}}': 1.0,
    f'symbol:cdb_market_volume_usd:rate2m{{symbol="{TRADED}"}}': 6000.0,
}
"""The hours before: somewhat more than what the simulated market does."""
HISTORY_S: Final = 4 * 3600 / FACTOR
EVERY_S: Final = 15 / FACTOR
VOLATILE: Final = Alert("HighVolatilityDetected", "info", "market_data", {"symbol": MOVED})
BUSY: Final = Alert("UnusualTradingVolume", "warning", "market_data", {"symbol": TRADED})
NO_SIGNALS: Final = Alert("TradingStandsStill", "warning", "risk_engine", {"reason": "NO_SIGNALS"})
WINDOW_S: Final = 300.0
"""Of a price's volatility."""
PATIENCE_S: Final = WINDOW_S + 120


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Watch]:
    """Hand out a bot on a calm market of which Prometheus knows the hours before."""
    place = tmp_path_factory.mktemp("market")

    def fill(stack: Stack) -> None:
        fill_with_history(place / "history.txt", stack.config.layout.data_of("prometheus"))

    with watched_ten_times_as_fast(place, settings=CALM, before_prometheus=fill) as bot:
        watch = Watch(bot, pytestconfig.stash.setdefault(TOLD, []))
        watch.begin("a strategy that sees nothing in its market", NO_SIGNALS)
        bot.wait_healthy()
        yield watch


def fill_with_history(file: Path, data: Path) -> None:
    """Write the hours until now into Prometheus's *data*."""
    now = time.time()
    moments = [now - HISTORY_S + EVERY_S * number for number in range(int(HISTORY_S / EVERY_S))]
    lines = []
    for series, value in HISTORY.items():
        lines.append(f"# TYPE {series.partition('{')[0]} gauge")
        lines += [f"{series} {value} {moment:.3f}" for moment in moments]
    file.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    command = [promtool(), "tsdb", "create-blocks-from", "openmetrics", str(file), str(data)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


def value(bot: Bot, query: str) -> float:
    """The one value of *query*; 0 without any."""
    found = bot.prometheus("query", query=query)["result"]
    return float(found[0]["value"][1]) if found else 0.0


def trade_much(watch: Watch) -> None:
    """Have the market trade 10 times as much of one symbol as before, at its own price, until that is told."""
    price = marks(watch.bot)[TRADED]
    number = 0

    def look() -> bool:
        nonlocal number
        number += 1
        now_ns = time.time_ns()
        watch.bot.put(
            "market_data",
            data=trade(
                symbol=TRADED,
                price=f"{price:.2f}",
                quantity=f"{60_000 / price:.4f}",
                trade_id=10**12 + number,
                feed=9,
                sequence=number,
                ts_event=now_ns,
                ts_init=now_ns,
            ),
        )
        return BUSY.name in watch.names("firing")

    until(look, within_s=120, every_s=1, what=f"{BUSY.name} in Prometheus")


def test_a_market_without_signals_is_told_until_one_is_decided(watch: Watch) -> None:
    watch.until_told(NO_SIGNALS)
    price = str(marks(watch.bot)[MOVED])
    now_ns = time.time_ns()
    fields = {"signal_id": f"{MOVED}:momentum_v1:1", "symbol": MOVED, "price": price, "side": "SELL"}
    watch.bot.put("signals", data=signal(**fields, ts_event=now_ns, ts_init=now_ns))
    watch.end(NO_SIGNALS)
    watch.until_resolved(NO_SIGNALS)


def test_far_more_volume_than_usual_is_told_and_its_end(watch: Watch) -> None:
    volume = f'symbol:cdb_market_volume_usd:rate2m{{symbol="{TRADED}"}}'
    until(lambda: value(watch.bot, f"{volume} offset 30s"), holds=bool, within_s=120, what="some trading before")
    assert BUSY.name not in watch.names("pending", "firing")
    watch.begin("ten times as much is traded", BUSY)
    trade_much(watch)
    watch.end(BUSY)
    watch.until_told(BUSY)
    watch.until_resolved(BUSY)


def test_a_price_that_moves_far_more_than_usual_is_told_and_its_end(watch: Watch) -> None:
    volatility = f'symbol:cdb_market_volatility_pct:max{{symbol="{MOVED}"}}'
    gauge = f'cdb_market_volatility_pct{{symbol="{MOVED}"}}'
    before = until(lambda: value(watch.bot, gauge), holds=bool, within_s=PATIENCE_S, every_s=1, what="a volatility")
    assert before < 2
    assert VOLATILE.name not in watch.names("pending", "firing")
    watch.begin("a jump by 60 %", VOLATILE)
    shock(watch.bot, MOVED, 60)
    watch.until_told(VOLATILE)
    watch.end(VOLATILE)  # a jump is over at once, but is in the next 5 minutes
    until(
        lambda: value(watch.bot, volatility),
        holds=lambda now: now < 2,
        within_s=PATIENCE_S,
        every_s=1,
        what="a calm price",
    )
    watch.until_resolved(VOLATILE)


def test_a_restart_of_core_fires_neither(watch: Watch) -> None:
    """Its counter begins anew, and its gauge is away."""
    watch.until_over(VOLATILE.name, BUSY.name)
    since = time.time()
    watch.bot.stack.stop_part("cdb_core")
    gauge = f'cdb_market_volatility_pct{{symbol="{MOVED}"}}'
    until(lambda: value(watch.bot, gauge), holds=lambda now: not now, within_s=60, what="no volatility")
    watch.bot.stack.start_part("cdb_core")
    volume = f'symbol:cdb_market_volume_usd:rate2m{{symbol="{TRADED}"}}'
    until(lambda: value(watch.bot, volume), holds=bool, within_s=60, what="a volume again")
    seen: set[str] = set()

    def look() -> bool:
        seen.update(watch.names("firing") & {VOLATILE.name, BUSY.name})
        return time.time() - since > 90

    until(look, within_s=120, every_s=0.5, what="the time in which they would have fired")
    assert not seen
