"""Ledgers of schema 0001, from before positions belonged to a strategy: they are migrated, and trading goes on."""

import re
from collections import defaultdict
from typing import Any, Final

import pytest
from psycopg2.errors import CheckViolation

from cdb.audit.reader import read_and_audit
from services.ledger.actions import newest_actions
from services.ledger.migrate import migrate
from services.migrate import LAYERS_OF_THE_LEDGER
from services.topology import ORDERS
from tests.support.ledger import OLD_LEDGER
from tests.support.servers import Database, Servers
from tests.support.trading import go_on

pytestmark = pytest.mark.integration

ONE: Final = "momentum_v1"
OTHER: Final = "mean_reversion_v1"
OPEN: Final = "SELECT symbol, strategy FROM positions WHERE quantity > 0 ORDER BY symbol"
FILLS: Final = "SELECT position_id, side, quantity, notional, fee, filled_at FROM fills ORDER BY fill_seq"
CLOSED: Final = (
    "SELECT position_id, opened_at, closed_at, quantity, entry, exit, fees, result FROM closed_trades"
    " ORDER BY closed_seq"
)
STATES: Final = "SELECT state, count(*) FROM orders GROUP BY state"


def migrated(ledger: Database) -> Database:
    migrate(ledger.settings, layers=LAYERS_OF_THE_LEDGER)
    return ledger


def broken_rules(ledger: Database) -> list[Any]:
    """What the audit finds wrong."""
    report = read_and_audit(ledger.ledger("audit"))
    return [] if report.holds else [report]


def closed_by_hand(fills: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Positions of one purchase and one sale, in the order of their sales."""
    lives = defaultdict(list)
    for position, *fill in fills:
        lives[position].append(fill)
    closed = []
    for position, life in lives.items():
        if [fill[0] for fill in life] == ["BUY", "SELL"]:
            (_, bought, paid, fee, opened_at), (_, sold, received, fee_of_sale, closed_at) = life
            assert bought == sold
            result = received - fee_of_sale - paid - fee
            prices = (paid / bought, received / sold)
            closed.append((position, opened_at, closed_at, bought, *prices, fee + fee_of_sale, result))
    return sorted(closed, key=lambda trade: trade[2])


def test_the_audit_of_a_migrated_ledger_holds_and_all_is_of_the_strategy_of_then(old_ledger: Database) -> None:
    migrated(old_ledger)
    assert broken_rules(old_ledger) == []
    assert old_ledger.query(OPEN) == [("LTCUSDT", ONE), ("SOLUSDT", ONE)]
    assert old_ledger.query("SELECT strategy, count(*) FROM orders GROUP BY strategy") == [(ONE, 9)]


def test_positions_that_were_closed_before_are_closed_trades(old_ledger: Database) -> None:
    expected = closed_by_hand(old_ledger.query(FILLS))
    migrated(old_ledger)
    found = old_ledger.query(CLOSED)
    assert [round_prices(trade) for trade in found] == [round_prices(trade) for trade in expected]
    assert old_ledger.query("SELECT symbol, strategy, cause FROM closed_trades ORDER BY closed_seq") == [
        ("BTCUSDT", ONE, "signal"),
        ("ETHUSDT", ONE, "signal"),
        ("XRPUSDT", ONE, "stop_loss"),
    ]


def test_a_reset_of_then_has_an_action_and_none_of_now_can_do_without(old_ledger: Database) -> None:
    ((number, at, equity),) = old_ledger.query(
        "SELECT breaker_seq, changed_at, equity FROM breaker WHERE cause = 'operator'"
    )
    migrated(old_ledger)
    (found,) = newest_actions(old_ledger.ledger(), 5)
    assert (found.action.action_id, found.action.what, found.at) == (f"breaker:{number}", "reset_breaker", at)
    assert (found.action.who, found.details["equity"]) == ("unknown", str(equity))
    assert broken_rules(old_ledger) == []
    for statement in (
        "INSERT INTO breaker (active, cause, equity, reference_equity, changed_at)"
        " VALUES (true, 'operator', 1, 1, now())",
        "UPDATE orders SET cause = 'operator' WHERE cause = 'stop_loss'",
        "UPDATE breaker SET cause = 'mark' WHERE cause = 'operator'",
    ):
        with pytest.raises(CheckViolation):
            old_ledger.query(statement)


def round_prices(trade: tuple[Any, ...]) -> tuple[Any, ...]:
    """PostgreSQL and Python divide with different numbers of digits."""
    return (*trade[:4], *(round(price, 8) for price in trade[4:6]), *trade[6:])


def test_in_a_migrated_ledger_the_order_in_flight_is_filled_and_positions_are_sold(old_ledger: Database) -> None:
    day = go_on(migrated(old_ledger))
    day.price("SOLUSDT", "151")
    day.waiting += [item for item in day.risk.housekeep() if item.stream == ORDERS]
    day.execute()
    assert old_ledger.query(STATES) == [("filled", 9)]
    assert old_ledger.query(OPEN) == [("DOTUSDT", ONE), ("LTCUSDT", ONE), ("SOLUSDT", ONE)]
    day.price("DOTUSDT", "5.6")
    day.price("LTCUSDT", "69")  # its stop loss
    day.trade("SELL", "SOLUSDT")
    day.close()
    assert old_ledger.query(OPEN) == [("DOTUSDT", ONE)]
    assert old_ledger.query("SELECT symbol, cause FROM closed_trades ORDER BY closed_seq OFFSET 3") == [
        ("LTCUSDT", "stop_loss"),
        ("SOLUSDT", "signal"),
    ]
    assert broken_rules(old_ledger) == []


SALE_IN_FLIGHT: Final = """
INSERT INTO signals SELECT 'SOLUSDT:mean_reversion_v1:25', 'SOLUSDT', 'SELL', 'mean_reversion_v1', strength, 150.125,
    volatility, 25, ts_event, ts_init FROM signals WHERE trade_id = 24;
INSERT INTO decisions OVERRIDING SYSTEM VALUE SELECT 14, 'SOLUSDT:mean_reversion_v1:25', 'approved', NULL, NULL,
    56.61849230, decided_at, fills_seen, cash, equity, reference_equity, exposure_before, exposure_after,
    8499.85115653750, breaker_active, marks, limits FROM decisions WHERE decision_seq = 13;
INSERT INTO orders OVERRIDING SYSTEM VALUE SELECT 10, 'order:SOLUSDT:mean_reversion_v1:25', 'signal',
    'SOLUSDT:mean_reversion_v1:25', NULL, 25, 'SOLUSDT', 'SELL', 56.61849230, 150.125, volatility, placed_at, 'placed',
    NULL, NULL FROM orders WHERE order_seq = 9;
UPDATE marks SET trade_id = 25 WHERE symbol = 'DOTUSDT'
"""
"""A sale by another strategy than the one that had bought, decided as e229708 decided it."""


def test_a_sale_in_flight_still_closes_the_position_that_another_strategy_had_opened(old_ledger: Database) -> None:
    old_ledger.query(SALE_IN_FLIGHT)
    day = go_on(migrated(old_ledger))
    assert broken_rules(old_ledger) == []
    day.price("SOLUSDT", "151")
    day.waiting += [item for item in day.risk.housekeep() if item.stream == ORDERS]
    day.execute()
    day.close()
    assert old_ledger.query(STATES) == [("filled", 10)]
    assert old_ledger.query(OPEN) == [("DOTUSDT", ONE), ("LTCUSDT", ONE)]
    assert broken_rules(old_ledger) == []


def of_other(dump: str, *trades: str) -> str:
    """Let the signals on *trades* be another strategy's, and with them the ids that are derived from theirs."""
    for trade in trades:
        symbol, number = trade.split(":")
        mine, theirs = (f"{symbol}:{strategy}:{number}" for strategy in (ONE, OTHER))
        dump, changed = re.subn(rf"(\('){mine}(', .*)'{ONE}'", rf"\g<1>{theirs}\g<2>'{OTHER}'", dump)
        assert changed == 1
        dump = re.sub(rf"{mine}(?!\d)", theirs, dump)
    return dump


def test_a_position_that_two_strategies_had_traded_is_its_openers(servers: Servers) -> None:
    """Each sold what the other had bought, and OTHER's positions are one open and one closed by its stop loss, too."""
    ledger = servers.make_database(template="template0")
    ledger.query(of_other(OLD_LEDGER.read_text(), "BTCUSDT:13", "ETHUSDT:9", "XRPUSDT:17", "SOLUSDT:10"))
    migrated(ledger)
    assert broken_rules(ledger) == []
    assert ledger.query(OPEN) == [("LTCUSDT", ONE), ("SOLUSDT", OTHER)]
    assert ledger.query("SELECT symbol, strategy, cause FROM closed_trades ORDER BY closed_seq") == [
        ("BTCUSDT", ONE, "signal"),
        ("ETHUSDT", OTHER, "signal"),
        ("XRPUSDT", OTHER, "stop_loss"),
    ]
    assert dict(ledger.query("SELECT symbol || ' ' || side, strategy FROM orders")) == {
        "BTCUSDT BUY": ONE,
        "BTCUSDT SELL": ONE,
        "ETHUSDT BUY": OTHER,
        "ETHUSDT SELL": OTHER,
        "SOLUSDT BUY": OTHER,
        "XRPUSDT BUY": OTHER,
        "XRPUSDT SELL": OTHER,
        "LTCUSDT BUY": ONE,
        "DOTUSDT BUY": ONE,
    }
    day = go_on(ledger)
    day.price("SOLUSDT", "151")
    day.trade("SELL", "SOLUSDT")
    assert ledger.query(OPEN) == [("LTCUSDT", ONE), ("SOLUSDT", OTHER)]
    day.trade("SELL", "SOLUSDT", strategy=OTHER)
    day.close()
    assert ledger.query(OPEN) == [("LTCUSDT", ONE)]
    assert broken_rules(ledger) == []
    servers.drop_database(ledger)
