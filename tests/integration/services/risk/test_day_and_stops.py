"""What cdb_risk does by itself on the wall's clock: the day's turn, stop losses, prices that lie about their time."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Final

import pytest
from msgspec.structs import replace

from services.bus.entries import Entry
from services.clock import MOST_AHEAD_NS, NANOSECONDS, EventClock
from services.core.handlers import CoreHandler
from services.core.strategies.momentum_v1 import Momentum, MomentumSettings
from services.messages import MarketData
from services.risk.guard import Guard
from services.risk.limits import Limits
from services.risk.portfolio import Mark
from services.risk.state import RiskState
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Received
from services.topology import MARKET_DATA, SIGNALS
from tests.integration.services.risk.live_risk import (
    SetClock,
    breaker,
    days,
    held,
    last_verdict,
    live,
    start,
    stop_losses,
)
from tests.support.cli import run_cdb
from tests.support.servers import Database
from tests.support.trading import OPENING_CASH, STEP_NS, SYMBOLS, TradingDay
from tests.support.waiting import until

pytestmark = pytest.mark.integration

MIDNIGHT_NS: Final = 1_795_219_200 * NANOSECONDS  # the first moment of 2026-11-21, UTC
TODAY: Final = datetime(2026, 11, 20, tzinfo=UTC)


def tripped(database: Database) -> TradingDay:
    """Give a live day whose breaker has tripped."""
    day = live(database)
    day.price("BTCUSDT", "100")
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.risk.housekeep()
    assert breaker(database) == [(True, "mark")]
    return day


def received(stream: str, message: MarketData) -> Received:
    return Received(Entry(stream, f"{message.trade_id}-0", b"", None), message)


def a_trade_ahead(day: TradingDay, by_ns: int, price: str) -> MarketData:
    trade = day.prices["BTCUSDT"]
    return replace(trade, ts_event=day.now_ns + by_ns, trade_id=trade.trade_id + 1_000, price=Decimal(price))


@pytest.mark.parametrize("first", ["a price", "housekeeping"])
def test_a_process_that_starts_today_opens_the_day_and_resets_yesterdays_breaker(
    database: Database, first: str
) -> None:
    """What the ledger has is yesterday's; that this process never saw midnight changes nothing."""
    day = tripped(database)
    day.now_ns = MIDNIGHT_NS + 8 * 3600 * NANOSECONDS
    start(day, SetClock(day))
    if first == "a price":
        day.price("BTCUSDT", "100")
    else:
        day.risk.housekeep()
    assert days(database) == [("2026-11-20", OPENING_CASH), ("2026-11-21", OPENING_CASH - 6000)]
    assert breaker(database)[1:] == [(False, "day_turn")]
    day.signal("BUY", "BTCUSDT")
    assert last_verdict(database) == ("approved", None)


def test_the_day_turns_although_the_first_message_after_midnight_is_a_fill(database: Database) -> None:
    """The fill makes risk read the ledger anew; the day that it finds there is over all the same."""
    day = live(database)
    day.price("ETHUSDT", "3000")
    day.price("BTCUSDT", "100")
    day.signal("BUY", "BTCUSDT")
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.risk.housekeep()
    day.now_ns = MIDNIGHT_NS
    day.execute()
    day.price("BTCUSDT", "100")
    assert breaker(database) == [(True, "mark"), (False, "day_turn")]
    day.signal("BUY", "ETHUSDT")
    assert last_verdict(database) == ("approved", None)


def test_the_day_turns_although_midnight_came_while_a_decision_was_made(database: Database) -> None:
    day = tripped(database)

    def strike_twelve() -> None:
        day.now_ns = max(day.now_ns, MIDNIGHT_NS)

    start(day, SetClock(day), while_deciding=strike_twelve)
    day.now_ns = MIDNIGHT_NS - NANOSECONDS
    day.signal("BUY", "BTCUSDT")
    assert day.now_ns >= MIDNIGHT_NS
    assert last_verdict(database) == ("rejected", "CIRCUIT_BREAKER_ACTIVE")
    day.price("BTCUSDT", "100")
    assert breaker(database) == [(True, "mark"), (False, "day_turn")]
    day.signal("BUY", "BTCUSDT")
    assert last_verdict(database) == ("approved", None)


def test_one_trade_sets_off_a_stop_loss_once_and_the_next_one_sells_the_rest(database: Database) -> None:
    """A second purchase is filled after the stop loss was placed: its id is taken, and the rest waits for a trade."""
    day = live(database, Limits(order_size=Decimal("0.04")))
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    first = held(database)["BTCUSDT"]
    day.signal("BUY", "BTCUSDT")
    day.price("BTCUSDT", "97")
    (bought, stopped) = day.waiting
    assert [order.quantity for order in stop_losses([stopped])] == [first]
    day.waiting = [bought]
    day.execute()
    day.risk.housekeep()
    assert day.waiting == []
    day.price("BTCUSDT", "96.9")
    (rest,) = stop_losses(day.waiting)
    assert first + rest.quantity == held(database)["BTCUSDT"]
    day.waiting.append(stopped)
    day.execute()
    assert held(database) == {}
    day.risk.close()
    audit = run_cdb("audit", environment=database.environment())
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_a_trade_from_the_future_is_put_aside_by_risk_and_sets_no_price(database: Database) -> None:
    """It would make every true price after it old news."""
    day = live(database)
    day.price("BTCUSDT", "100")
    outcome = day.risk.handle(Batch([received(MARKET_DATA, a_trade_ahead(day, MOST_AHEAD_NS + 1, "500"))], True))
    assert [(letter.reason, "in the future" in letter.detail) for letter in outcome.dead] == [("bad_message", True)]
    day.risk.housekeep()
    assert day.store.load_marks()["BTCUSDT"].price == 100
    outcome = day.risk.handle(Batch([received(MARKET_DATA, a_trade_ahead(day, MOST_AHEAD_NS, "101"))], True))
    assert outcome.dead == []


def test_a_trade_from_the_future_is_put_aside_by_core_and_moves_no_window(database: Database) -> None:
    day = live(database)
    day.price("BTCUSDT", "100")
    momentum = partial(Momentum, MomentumSettings(minimum_volume=Decimal(0)))
    core = CoreHandler([momentum], symbols=frozenset(SYMBOLS), clock=SetClock(day), faults=Faults())
    core.handle(Batch([received(MARKET_DATA, day.prices["BTCUSDT"])], True))
    outcome = core.handle(Batch([received(MARKET_DATA, a_trade_ahead(day, MOST_AHEAD_NS + 1, "500"))], True))
    assert [letter.reason for letter in outcome.dead] == ["bad_message"]
    assert outcome.outgoing == []
    day.price("BTCUSDT", "101")
    outcome = core.handle(Batch([received(MARKET_DATA, day.prices["BTCUSDT"])], True))
    assert [item.stream for item in outcome.outgoing] == [SIGNALS]


def test_a_kept_price_from_the_future_hides_no_crash_after_a_restart(database: Database) -> None:
    """The machine's clock was wrong once, or the ledger is from a replay: the stop loss works all the same."""
    day = live(database)
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    day.risk.close()
    day.store.save_marks({"BTCUSDT": Mark(Decimal(100), 10**9, day.now_ns + 3600 * NANOSECONDS)})
    start(day, SetClock(day))
    day.price("BTCUSDT", "90")
    assert len(stop_losses(day.waiting)) == 1


def test_a_held_position_whose_price_is_old_stops_purchases_and_no_sale(database: Database) -> None:
    """Nobody knows any more what the account is worth, but less of it is always allowed."""
    day = live(database)
    for symbol in ("SOLUSDT", "LTCUSDT", "BTCUSDT", "ETHUSDT"):
        day.price(symbol, "100")
    day.trade("BUY", "BTCUSDT", "ETHUSDT")
    oldest_ns, most_ns = day.prices["ETHUSDT"].ts_event, int(day.limits.max_held_price_age_s * NANOSECONDS)

    def buy(symbol: str, *, age_ns: int) -> tuple[str, str | None]:
        day.now_ns = oldest_ns + age_ns - 2 * STEP_NS
        day.price("BTCUSDT", "100")
        day.signal("BUY", symbol)
        return last_verdict(database)

    assert buy("SOLUSDT", age_ns=most_ns) == ("approved", None)
    assert buy("LTCUSDT", age_ns=most_ns + 1) == ("rejected", "STALE_MARKET_DATA")
    day.signal("SELL", "BTCUSDT")
    assert last_verdict(database) == ("approved", None)
    day.price("ETHUSDT", "100")
    day.signal("BUY", "LTCUSDT")
    assert last_verdict(database) == ("approved", None)


def test_an_account_with_nothing_left_goes_on_and_buys_nothing(database: Database) -> None:
    """Only a test adjustment can do that; the day turns, the breaker trips and is reset, and no message fails."""
    day = live(database)
    day.price("BTCUSDT", "100")
    day.store.adjust(-OPENING_CASH, reason="test", now_ns=day.now_ns)
    day.risk.housekeep()
    day.signal("BUY", "BTCUSDT")
    assert last_verdict(database) == ("rejected", "CIRCUIT_BREAKER_ACTIVE")
    day.now_ns = MIDNIGHT_NS
    day.price("BTCUSDT", "100")
    assert days(database)[1:] == [("2026-11-21", Decimal(0))]
    day.signal("BUY", "BTCUSDT")
    assert last_verdict(database) == ("rejected", "DRAWDOWN_LIMIT")
    day.store.reset_breaker("test", equity=Decimal(0), now_ns=day.now_ns)
    day.risk.housekeep()
    day.signal("BUY", "BTCUSDT")
    assert last_verdict(database)[0] == "rejected"
    assert day.waiting == []


def test_a_second_delivery_after_a_restart_places_a_stop_loss_at_the_time_of_its_price(database: Database) -> None:
    """A replay's clock stands at 1970 until something tells it the time: what the ledger keeps does."""
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.signal("BUY", "BTCUSDT")
    again = list(day.waiting)
    day.execute()
    day.risk.close()
    crash = Mark(Decimal(90), day.number + 1, day.now_ns + 1_000)
    day.store.save_marks({"BTCUSDT": crash})
    start(day, EventClock())
    day.waiting = again
    day.execute()
    assert [order.ts_event for order in stop_losses(day.waiting)] == [crash.ts_event]


def test_a_process_that_does_not_know_the_time_yet_does_nothing(database: Database) -> None:
    """No price was kept: the breaker is not tripped in 1970, but as soon as there is a time."""
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    start(day, EventClock())
    day.risk.housekeep()
    assert breaker(database) == []
    day.price("BTCUSDT", "100")
    day.risk.housekeep()
    assert breaker(database) == [(True, "mark")]
    ((changed_at,),) = database.query("SELECT changed_at FROM breaker")
    assert changed_at > TODAY


@pytest.mark.parametrize("back_s", [6, 3600, 40 * 365 * 86_400])
def test_after_the_clock_was_set_back_prices_and_decisions_go_on(database: Database, back_s: int) -> None:
    """The prices from before would be the newest for as long as the clock was set back."""
    day = live(database)
    day.price("BTCUSDT", "100")
    day.price("ETHUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    day.now_ns -= back_s * NANOSECONDS
    day.price("BTCUSDT", "101")
    day.risk.housekeep()
    assert day.store.load_marks()["BTCUSDT"].price == 101
    day.trade("BUY", "ETHUSDT")
    assert last_verdict(database) == ("approved", None)
    day.risk.close()
    audit = run_cdb("audit", environment=database.environment())
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_after_the_clock_was_set_back_a_stop_loss_closes_its_position(database: Database) -> None:
    day = live(database)
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    day.now_ns -= 3600 * NANOSECONDS
    day.price("BTCUSDT", "90")
    assert len(stop_losses(day.waiting)) == 1
    day.execute()
    assert held(database) == {}


def test_orders_from_before_the_clock_was_set_back_do_not_count_as_the_last_minutes(database: Database) -> None:
    """They would use up the order rate for as long as the clock was set back; those placed since count as ever."""
    day = live(database, Limits(max_orders_per_minute=2, order_size=Decimal("0.01")))

    def buy(*symbols: str) -> list[str | None]:
        reasons = []
        for symbol in SYMBOLS:
            day.price(symbol, "100")
        for symbol in symbols:
            day.trade("BUY", symbol)
            reasons.append(last_verdict(database)[1])
        return reasons

    assert buy(*SYMBOLS[:3]) == [None, None, "ORDER_RATE_EXCEEDED"]
    day.now_ns -= 3600 * NANOSECONDS
    assert buy(*SYMBOLS[:3]) == [None, None, "ORDER_RATE_EXCEEDED"]


def test_staleness_grows_while_no_price_arrives_whatever_the_clock_shows(database: Database) -> None:
    """Set back, a clock is before the newest price; that is no fresh price."""
    day = live(database)
    day.price("BTCUSDT", "100")
    state = RiskState(day.store, day.limits, SetClock(day))
    Guard(state).apply(day.prices["BTCUSDT"])
    assert state.price_age_s() < 5
    until(state.price_age_s, holds=lambda seen: seen > 0.3, what="an age that grows although the clock stands")
    for set_s in (-3600, 7200):
        day.now_ns += set_s * NANOSECONDS
        assert state.price_age_s() == 3600
    day.price("BTCUSDT", "100")
    Guard(state).apply(day.prices["BTCUSDT"])
    assert state.price_age_s() < 5


def test_a_clock_that_was_a_year_ahead_for_a_moment_stops_no_later_day_from_opening(database: Database) -> None:
    """The ledger has a day that is far away; drawdown is measured anew at each true midnight all the same."""
    day = live(database)
    day.price("BTCUSDT", "100")
    right_ns = day.now_ns
    day.now_ns += 365 * 86_400 * NANOSECONDS
    day.price("BTCUSDT", "100")
    day.now_ns = right_ns
    day.price("BTCUSDT", "100")
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.risk.housekeep()
    day.now_ns = MIDNIGHT_NS
    day.price("BTCUSDT", "100")
    opened = [("2026-11-20", OPENING_CASH), ("2027-11-20", OPENING_CASH), ("2026-11-21", OPENING_CASH - 6000)]
    assert days(database) == opened
    assert breaker(database) == [(True, "mark"), (False, "day_turn")]


def test_a_clock_that_is_set_back_over_midnight_opens_no_day_again_and_resets_no_breaker(database: Database) -> None:
    day = live(database)
    day.price("BTCUSDT", "100")
    day.now_ns = MIDNIGHT_NS
    day.price("BTCUSDT", "100")
    day.store.adjust(Decimal(-6000), reason="test", now_ns=day.now_ns)
    day.risk.housekeep()
    for now_ns in (MIDNIGHT_NS - 3600 * NANOSECONDS, MIDNIGHT_NS):
        day.now_ns = now_ns
        day.price("BTCUSDT", "100")
        day.risk.housekeep()
    assert [name for name, _ in days(database)] == ["2026-11-20", "2026-11-21"]
    assert breaker(database) == [(True, "mark")]
