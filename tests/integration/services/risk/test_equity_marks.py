"""Equity as rows: every minute, at each day's end, at a reset; and what a restart makes of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import pytest

from services.clock import MINUTE_NS, NANOSECONDS
from services.ledger.results import equity_curve
from services.risk.equity_history import EquityHistory
from services.risk.store import RiskStore
from tests.integration.services.risk.live_risk import SetClock, live, start
from tests.support.servers import Database
from tests.support.trading import OPENING_CASH, TradingDay

pytestmark = pytest.mark.integration

MIDNIGHT: Final = datetime(2026, 11, 21, tzinfo=UTC)


def marks(database: Database) -> list[tuple[datetime, Decimal]]:
    return [(at, equity) for at, equity in database.query("SELECT at, equity FROM equity_marks ORDER BY at")]


def noon(minutes: int) -> datetime:
    return datetime(2026, 11, 20, 12, minutes, tzinfo=UTC)


def test_a_minute_is_marked_with_what_was_held_when_it_began(database: Database) -> None:
    """The price that begins the minute is not in its mark: 10 BTC at 100, not at 110."""
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    (cash, held), *_ = database.query("SELECT cash, quantity FROM account, positions")
    day.now_ns += 2 * MINUTE_NS
    day.price("BTCUSDT", "110")
    day.now_ns += MINUTE_NS
    day.price("BTCUSDT", "120")
    assert marks(database) == [(noon(0), OPENING_CASH), (noon(2), cash + 100 * held), (noon(3), cash + 110 * held)]


def test_a_mark_has_all_that_it_is_made_of(database: Database) -> None:
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    day.price("BTCUSDT", "99")
    day.now_ns += MINUTE_NS
    day.price("ETHUSDT", "50")
    (cash, held), *_ = database.query("SELECT cash, quantity FROM account, positions")
    (row,) = database.query(
        "SELECT cash, exposure, reference_equity, drawdown, fills_seen, marks FROM equity_marks WHERE exposure > 0"
    )
    lost = (OPENING_CASH - cash - 99 * held) / OPENING_CASH
    assert row == (cash, 99 * held, OPENING_CASH, round(lost, 8), 1, {"BTCUSDT": "99"})


def test_a_day_that_ends_between_two_prices_is_marked_at_its_end(database: Database) -> None:
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.now_ns += 20 * 3600 * NANOSECONDS
    day.price("BTCUSDT", "101")
    assert [at for at, _ in marks(database)] == [noon(0), MIDNIGHT]
    assert [close.day.isoformat() for close in equity_curve(database.ledger()).closes] == ["2026-11-20"]


def test_a_process_that_was_down_at_midnight_marks_the_day_that_ended(database: Database) -> None:
    day = live(database)
    day.price("BTCUSDT", "100")
    day.now_ns += 20 * 3600 * NANOSECONDS
    start(day, SetClock(day))
    day.price("BTCUSDT", "101")
    assert [at for at, _ in marks(database)] == [noon(0), MIDNIGHT]


def test_a_restart_within_a_minute_adds_no_mark(database: Database) -> None:
    day = live(database)
    day.price("BTCUSDT", "100")
    start(day, SetClock(day))
    day.price("BTCUSDT", "101")
    assert [at for at, _ in marks(database)] == [noon(0)]


def test_a_reset_is_marked_when_it_is_seen(database: Database) -> None:
    day = live(database)
    day.price("BTCUSDT", "100")
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.risk.housekeep()
    day.act("reset_breaker")
    day.risk.housekeep()
    day.price("BTCUSDT", "100")
    rows = database.query("SELECT reference_equity, drawdown FROM equity_marks ORDER BY at")
    assert rows == [(OPENING_CASH, 0), (OPENING_CASH - 6000, 0)]


def test_a_history_that_follows_is_the_same_as_one_that_starts_anew(database: Database) -> None:
    """Three marks at once, as if there were a year of them."""
    day = TradingDay(database)
    following = EquityHistory(RiskStore(database.ledger(), opening_cash=OPENING_CASH))
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    for number in range(12):
        day.now_ns += MINUTE_NS
        day.price("BTCUSDT", str(100 + (-1) ** number * number))
        following.follow()
    again = equity_curve(database.ledger())
    assert vars(following.curve) == vars(again)
    assert again.max_drawdown
