"""A symbol that leaves CDB_SYMBOLS while it is held: the running bot still sells it at its stop loss."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from cdb.running.native import TRADING, Stack, StackConfig, select
from services.settings import DEFAULT_SYMBOLS
from tests.support.bot import Bot
from tests.support.paths import ROOT
from tests.support.programs import require_parts
from tests.support.waiting import until
from tests.system.native.market_moves import stop_with_a_position

pytestmark = pytest.mark.e2e

SETTINGS: Final = {"MAX_HELD_PRICE_AGE_S": "5"}


@contextmanager
def running(config: StackConfig) -> Iterator[Bot]:
    with Stack(config) as stack:
        yield Bot(stack)


def test_a_dropped_symbol_keeps_its_price_and_its_stop_loss_and_other_symbols_are_bought(tmp_path: Path) -> None:
    config = StackConfig.isolated(ROOT, tmp_path / "state", parts=select(TRADING), environment=SETTINGS)
    require_parts(config)
    try:
        with running(config) as bot:
            symbol = stop_with_a_position(bot)
        others = ",".join(name for name in DEFAULT_SYMBOLS if name != symbol)
        with running(replace(config, environment={**config.environment, "CDB_SYMBOLS": others})) as bot:
            check_dropped(bot, symbol)
    finally:
        Stack(config).remove()


def check_dropped(bot: Bot, symbol: str) -> None:
    """See the held *symbol* priced and sold, and others bought."""
    mark = f"SELECT ts_event FROM marks WHERE symbol = '{symbol}'"  # noqa: S608  one of our own
    before = bot.query(mark)
    decided = int(bot.query("SELECT coalesce(max(decision_seq), 0) FROM decisions")[0][0])
    until(lambda: bot.query(mark), holds=lambda now: now != before, within_s=30, what=f"a new price of {symbol}")
    shock = f"/test/scenario?kind=shock&symbol={symbol}&percent=-10"
    until(lambda: bot.ask("cdb_ws", shock, post=True)[0] == 200, what=f"a shock of {symbol}")
    until(
        lambda: bot.count("positions", f"symbol = '{symbol}' AND quantity > 0"),
        holds=lambda count: count == 0,
        within_s=30,
        what=f"{symbol} sold",
    )
    bought = (
        "SELECT symbol FROM signals JOIN decisions USING (signal_id) "  # noqa: S608
        f"WHERE verdict = 'approved' AND side = 'BUY' AND decision_seq > {decided}"
    )
    until(lambda: bot.query(bought), within_s=90, what="a purchase")
    assert (symbol,) not in bot.query(bought)
    assert bot.dead_letters() == []
    for service in ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution"):
        assert bot.metric(service, "cdb_telemetry_label_overflow_total") == 0, service
    told = [line for part in ("cdb_ws", "cdb_core", "cdb_risk") for line in bot.stack.log_tail(part, 500)]
    assert sum("not in CDB_SYMBOLS" in line and symbol in line for line in told) == 3
    bot.audit()
