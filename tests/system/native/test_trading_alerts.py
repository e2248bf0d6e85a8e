"""The alerts on how the bot trades by their real causes: nothing is bought, and a strategy loses.

Times of the watching are a tenth (fast_copy.py).
"""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.alerted_bot import SETTINGS, TOLD, Alert, Watch, watched_ten_times_as_fast
from tests.support.waiting import until
from tests.system.native.market_moves import positions, shock

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SMALL_ORDERS: Final = {"ORDER_SIZE_PCT": "0.01", "MAX_DAILY_DRAWDOWN_PCT": "0.9"}
"""So that thirty losses are no reason to stop."""
STALE: Final = Alert("TradingStandsStill", "warning", "risk_engine", {"reason": "STALE_MARKET_DATA"})
LOSING: Final = Alert("LowWinRate", "warning", "trading", {"strategy": "momentum_v1"})
MANY_TRADES_S: Final = 300.0


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Watch]:
    """Hand out a bot that trades small amounts."""
    place = tmp_path_factory.mktemp("trading")
    with watched_ten_times_as_fast(place, settings={**SETTINGS, **SMALL_ORDERS}) as bot:
        bot.wait_healthy()
        bot.wait_trading()
        yield Watch(bot, pytestconfig.stash.setdefault(TOLD, []))


def move_what_is_held(watch: Watch, percent: float, *, until_rate: str) -> None:
    """Move the price of each position once, until Prometheus says that the win rate is *until_rate*."""
    moved: set[str] = set()

    def look() -> bool:
        for symbol, position in positions(watch.bot):
            if position not in moved:
                shock(watch.bot, symbol, percent)
                moved.add(position)
        rate = f'cdb_strategy_recent_win_rate_pct{{strategy="momentum_v1"}} {until_rate}'
        return bool(watch.bot.prometheus("query", query=rate)["result"])

    until(look, within_s=MANY_TRADES_S, every_s=0.5, what=f"a win rate {until_rate}")


def test_a_strategy_that_loses_too_often_is_told_until_it_wins_again(watch: Watch) -> None:
    move_what_is_held(watch, -8, until_rate="< 35")
    watch.begin("what is held falls by 8 %", LOSING)
    move_what_is_held(watch, -8, until_rate="< 10")
    watch.until_told(LOSING)
    move_what_is_held(watch, 10, until_rate="> 60")
    watch.end(LOSING)
    watch.until_resolved(LOSING)


def test_decisions_so_slow_that_signals_are_stale_are_told_and_their_end(watch: Watch) -> None:
    watch.begin("decisions slowed by 4 s", STALE)
    assert watch.bot.ask("cdb_risk", "/test/slow-decisions?delay_ms=4000&seconds=1200", post=True)[0] == 200
    watch.until_told(STALE)
    assert watch.bot.ask("cdb_risk", "/test/reset", post=True)[0] == 200
    watch.end(STALE)
    watch.until_resolved(STALE)
