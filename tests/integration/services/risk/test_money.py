"""Money in odd states, on a real ledger: cash that runs out, coins that cost next to nothing, dropped symbols."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

import psycopg2.errors
import pytest
from structlog.testing import capture_logs

from services.clock import EventClock
from services.execution.handlers import ExecutionHandler
from services.execution.store import Account, ExecutionStore
from services.execution.venue import VenueSettings
from services.ledger.connection import Ledger
from services.ledger.migrate import migrate
from services.messages import MAX_QUANTITY, Order, decode, encode
from services.migrate import LAYERS_OF_THE_LEDGER
from services.risk.decider import Decider
from services.risk.endpoints import Drawdown, Slowness, Trials
from services.risk.handlers import RiskHandler
from services.risk.limits import Limits
from services.risk.state import RiskState
from services.runtime.faults import Faults
from services.runtime.parameters import BadRequest
from services.topology import ORDERS
from tests.integration.services.risk.live_risk import held, last_verdict, live, stop_losses
from tests.support.cli import run_cdb
from tests.support.servers import Database
from tests.support.trading import OPENING_CASH, TradingDay, go_on

pytestmark = pytest.mark.integration

ALL_IN = Limits(order_size=Decimal(1), max_position=Decimal(1), max_exposure=Decimal(1), max_daily_drawdown=Decimal(1))
CHEAP = "0.00000000001"


def cash(database: Database) -> Decimal:
    ((found,),) = database.query("SELECT cash FROM account")
    return Decimal(found)


def orders(database: Database) -> list[tuple[str, str | None]]:
    """State and refusal of every order."""
    return [tuple(row) for row in database.query("SELECT state, refusal FROM orders ORDER BY order_seq")]


def assert_audited(database: Database) -> None:
    audit = run_cdb("audit", environment=database.environment())
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_an_account_that_goes_all_in_keeps_what_the_venue_may_charge(database: Database) -> None:
    day = TradingDay(database, ALL_IN)
    for price in range(100, 106):
        day.price("ETHUSDT", str(price))
        day.trade("BUY", "ETHUSDT")
    assert 0 < cash(database) < OPENING_CASH / 10
    assert last_verdict(database) == ("rejected", "EXPOSURE_LIMIT")
    day.trade("SELL", "ETHUSDT")
    assert held(database) == {}
    day.risk.close()
    assert_audited(database)


def test_the_ledger_forbids_cash_below_zero(database: Database) -> None:
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    database.query("UPDATE account SET cash = 0")
    with pytest.raises(psycopg2.errors.CheckViolation, match="account_never_overdrawn"):
        database.query("UPDATE account SET cash = -0.00000001")


def test_an_order_that_cash_can_no_longer_pay_is_refused_and_the_next_one_filled(database: Database) -> None:
    """Only a test adjustment takes cash between decision and fill. The order becomes final, and nothing is resent."""
    day = TradingDay(database)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        day.price(symbol, "100")
    day.signal("BUY", "BTCUSDT", "ETHUSDT")
    day.store.adjust(Decimal(-90_000), reason="test", now_ns=day.now_ns)
    day.execute()
    (first, _), (second, refusal) = orders(database)
    assert (first, second) == ("filled", "refused")
    assert str(refusal).startswith("INSUFFICIENT_CASH: 85")
    assert cash(database) >= 0
    assert not any(item.stream == ORDERS for item in day.risk.housekeep())
    day.risk.close()
    assert_audited(database)


class LosingStore(ExecutionStore):
    """Execution's view of a ledger whose cash goes once, between reading and writing."""

    def __init__(self, ledger: Ledger, day: TradingDay) -> None:
        super().__init__(ledger)
        self._day = day
        self._lost = False

    def read(self, order_ids: Sequence[str] = ()) -> Account | None:
        account = super().read(order_ids)
        if not self._lost:
            self._day.store.adjust(-OPENING_CASH, reason="test", now_ns=self._day.now_ns)
        self._lost = True
        return account


def test_cash_that_goes_while_orders_are_being_filled_fails_the_batch_once(database: Database) -> None:
    """The ledger's own rule refuses the write; each order is then looked at alone, on what cash there is by now."""
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.signal("BUY", "BTCUSDT")
    waiting = list(day.waiting)
    store = LosingStore(database.ledger("losing"), day)
    faults, venue = Faults(), VenueSettings()
    day.execution = ExecutionHandler(store, venue, clock=EventClock(), faults=faults)
    with pytest.raises(psycopg2.errors.CheckViolation):
        day.execute()
    assert orders(database) == [("placed", None)]
    day.waiting = waiting
    day.execute()
    assert [state for state, _ in orders(database)] == ["refused"]
    assert cash(database) == 0


def test_an_old_ledger_in_debt_is_migrated_and_may_only_get_better(old_ledger: Database) -> None:
    old_ledger.query("UPDATE account SET cash = -20000")
    migrate(old_ledger.settings, layers=LAYERS_OF_THE_LEDGER)
    with pytest.raises(psycopg2.errors.CheckViolation):
        old_ledger.query("UPDATE account SET cash = -20000.01")
    day = go_on(old_ledger)
    day.price("ETHUSDT", "3000")
    day.signal("BUY", "ETHUSDT")
    assert last_verdict(old_ledger)[0] == "rejected"
    for symbol, price in (("SOLUSDT", "150"), ("LTCUSDT", "71")):
        day.price(symbol, price)
        day.trade("SELL", symbol)
    assert held(old_ledger) == {}
    assert -20_000 < cash(old_ledger) < 0
    audit = run_cdb("audit", environment=old_ledger.environment())
    assert audit.returncode == 1
    assert "account: expected cash of 0 or more" in audit.stdout


@pytest.mark.parametrize("drawdown", [30, 50])
def test_a_drawdown_that_cash_cannot_bring_about_is_refused(database: Database, drawdown: int) -> None:
    """More than the free cash would have to go."""
    limits = Limits(order_size=Decimal("0.9"), max_position=Decimal(1), max_exposure=Decimal(1))
    day = TradingDay(database, limits)
    day.price("BTCUSDT", "100")
    day.signal("BUY", "BTCUSDT")
    trials = Trials(day.store, Slowness(), newest_marks=dict, limits=limits, clock=EventClock())
    with pytest.raises(BadRequest, match=f"percent {drawdown} would take {drawdown}000.00 of the cash, of which only"):
        trials.trigger_drawdown(Drawdown(drawdown))
    assert cash(database) == OPENING_CASH


def readable(item: Any) -> Order:
    """The order as cdb_execution would read it off the bus."""
    found = decode(ORDERS, encode(item.message))
    assert isinstance(found, Order)
    return found


def test_a_coin_that_costs_next_to_nothing_is_sold_at_its_stop_loss(database: Database) -> None:
    """What one order could not sell is not bought in the first place."""
    day = TradingDay(database, Limits(max_position=Decimal("0.3")))
    day.price("ADAUSDT", CHEAP)
    day.trade("BUY", "ADAUSDT")
    day.trade("BUY", "ADAUSDT")
    assert last_verdict(database) == ("rejected", "POSITION_SIZE_EXCEEDED")
    day.price("ADAUSDT", "0.0000000000095")
    (stop,) = map(readable, day.waiting)
    assert (stop.cause, stop.quantity) == ("stop_loss", held(database)["ADAUSDT"])
    day.execute()
    assert held(database) == {}
    day.risk.close()
    assert_audited(database)


def test_a_position_from_before_that_one_order_cannot_sell_is_sold_in_several(database: Database) -> None:
    """Its stop loss was placed in one order that nobody can read: it is withdrawn, and the next prices sell."""
    day = TradingDay(database, Limits(max_position=Decimal("0.3")))
    day.price("ADAUSDT", CHEAP)
    day.trade("BUY", "ADAUSDT")
    database.query("UPDATE positions SET quantity = 2.2e15, cost = 22000")
    database.query(
        "INSERT INTO orders (order_id, cause, position_id, trade_id, symbol, strategy, side, quantity, reference_price,"
        " volatility, placed_at)"
        " SELECT 'stop:' || position_id || ':1', 'stop_loss', position_id, 1, symbol, strategy, 'SELL',"
        " quantity, 9.5e-12, 0, opened_at FROM positions"
    )
    day.waiting += [item for item in day.risk.housekeep() if item.stream == ORDERS]
    day.execution.housekeep()
    states = dict(database.query("SELECT state, refusal FROM orders"))
    assert str(states["refused"]).startswith("UNREADABLE: quantity must be over 0 and at most 1000000000000000")
    sold = []
    for step in range(4):
        day.price("ADAUSDT", f"0.00000000000{9500 - step}")
        sold += [readable(item).quantity for item in day.waiting]
        day.execute()
    assert sold == [MAX_QUANTITY, MAX_QUANTITY, Decimal("2e14")]
    assert held(database) == {}


@pytest.mark.parametrize("price", ["0.000000000000000001", "1000000000"])
def test_prices_at_either_end_of_what_is_taken_are_bought_and_sold(database: Database, price: str) -> None:
    """Or not bought; no message of theirs is one that nobody can read."""
    day = TradingDay(database)
    day.price("ADAUSDT", price)
    for side in ("BUY", "SELL"):
        day.signal("BUY" if side == "BUY" else "SELL", "ADAUSDT")
        for item in day.waiting:
            readable(item)
        day.execute()
    assert held(database) == {}
    assert all(state != "placed" for state, _ in orders(database))
    day.risk.close()
    assert_audited(database)


def restarted(day: TradingDay, *symbols: str) -> list[frozenset[str]]:
    """Start cdb_risk anew with these symbols; returns what it notes as held, growing."""
    noted: list[frozenset[str]] = []

    def note(held: Collection[str]) -> None:
        noted.append(frozenset(held))

    day.risk.close()
    state = RiskState(day.store, day.limits, EventClock())
    decider = Decider(state, ledger_delay_s=lambda: 0.0)
    day.risk = RiskHandler(state, decider, symbols=frozenset(symbols), note_held=note)
    return noted


def test_a_symbol_that_is_dropped_while_it_is_held_keeps_its_price_and_its_stop_loss(database: Database) -> None:
    day = TradingDay(database)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        day.price(symbol, "100")
    day.trade("BUY", "ETHUSDT")
    noted = restarted(day, "BTCUSDT", "SOLUSDT")
    with capture_logs() as logs:
        day.risk.housekeep()
        day.risk.housekeep()
    assert noted == [{"ETHUSDT"}] * 2
    told = [line for line in logs if "not in CDB_SYMBOLS" in line["event"]]
    assert [line["symbols"] for line in told] == [["ETHUSDT"]]
    day.now_ns += int(day.limits.max_held_price_age_s) * 10**9
    day.price("ETHUSDT", "101")
    day.price("BTCUSDT", "100")
    day.signal("BUY", "BTCUSDT")
    assert last_verdict(database) == ("approved", None)
    day.execute()
    day.price("ETHUSDT", "90")
    assert len(stop_losses(day.waiting)) == 1
    day.execute()
    day.risk.housekeep()
    assert noted[-1] == {"BTCUSDT"}
    day.price("ETHUSDT", "91")  # still on the bus after the sale


def test_a_symbol_that_is_dropped_while_it_is_held_is_sold_on_a_signal_and_not_bought(database: Database) -> None:
    day = TradingDay(database)
    day.price("ETHUSDT", "100")
    day.trade("BUY", "ETHUSDT")
    restarted(day, "BTCUSDT")
    decided = database.query("SELECT count(*) FROM decisions")
    signal = day._signal("BUY", day.prices["ETHUSDT"], "momentum_v1")
    outcome = day.risk.handle(day.batch([("signals", signal)]))
    assert [letter.reason for letter in outcome.dead] == ["unknown_symbol"]
    assert database.query("SELECT count(*) FROM decisions") == decided
    day.trade("SELL", "ETHUSDT")
    assert held(database) == {}


def test_a_price_of_a_symbol_that_nobody_knows_is_put_aside(database: Database) -> None:
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    restarted(day, "ETHUSDT", "SOLUSDT")
    trade = day.prices["BTCUSDT"]
    assert day.risk.handle(day.batch([("market_data", trade)])).dead == []  # it was traded once: its price is kept
    database.query("DELETE FROM marks")
    restarted(day, "ETHUSDT", "SOLUSDT")
    database.query("DELETE FROM marks")
    start_over = day.risk.handle(day.batch([("market_data", trade)]))
    assert [letter.reason for letter in start_over.dead] == ["unknown_symbol"]


def test_a_held_position_without_a_price_of_late_is_shown(database: Database) -> None:
    day = live(database)
    day.price("ETHUSDT", "100")
    day.trade("BUY", "ETHUSDT")
    state = RiskState(day.store, day.limits, day.risk._state.clock)
    state.restore()
    assert not state.is_held_price_stale("BTCUSDT")
    day.risk.close()
    state = RiskState(day.store, day.limits, day.risk._state.clock)
    state.restore()
    assert not state.is_held_price_stale("ETHUSDT")
    day.now_ns += int(day.limits.max_held_price_age_s + 1) * 10**9
    assert state.is_held_price_stale("ETHUSDT")
    assert not state.is_held_price_stale("BTCUSDT")
