"""What a stranger, a bug or a hostile peer puts on the bus: it is put aside with its reason, and trading goes on."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from tests.support.bot import Bot
from tests.support.waiting import until
from tests.system.native.messages import fill, order, signal, trade, without

pytestmark = pytest.mark.e2e

BAD = [
    pytest.param("market_data", b"not json", "bad_message", "malformed", id="not JSON"),
    pytest.param("market_data", b"\xff\xfe\x00", "bad_message", "", id="not even text"),
    pytest.param("market_data", b"", "bad_message", "", id="empty"),
    pytest.param("market_data", b"[" * 60_000, "bad_message", "", id="nested without end"),
    pytest.param("market_data", trade(price=True), "bad_message", "price", id="wrong type"),
    pytest.param("market_data", without(trade(), "price"), "bad_message", "price", id="missing field"),
    pytest.param("market_data", trade(price="-1"), "bad_message", "price", id="negative price"),
    pytest.param("market_data", trade(price="NaN"), "bad_message", "price", id="price NaN"),
    pytest.param("market_data", trade(price="1e999999"), "bad_message", "price", id="price without end"),
    pytest.param("market_data", trade(v=2), "bad_message", "2", id="version of the future"),
    pytest.param("market_data", trade(symbol="DOGEUSDT"), "unknown_symbol", "DOGEUSDT", id="unknown symbol"),
    pytest.param("market_data", b" " * 1_048_576, "too_large", "1048576", id="a megabyte"),
    pytest.param("signals", signal(strength="7"), "bad_message", "strength", id="strength over 1"),
    pytest.param("signals", signal(signal_id="other"), "bad_message", "signal_id", id="id not derived"),
    pytest.param(
        "signals", signal(symbol="X2", signal_id="X2:momentum_v1:1"), "unknown_symbol", "X2", id="signal of nobody"
    ),
    pytest.param("orders", order(), "unknown_order", "order:forged", id="order the ledger does not have"),
    pytest.param("fills", fill(), "unknown_order", "forged", id="fill for an unknown order"),
]  # fmt: skip


def letters_of(bot: Bot, entry_id: str) -> list[dict[str, Any]]:
    return [letter for letter in bot.dead_letters() if letter["entry_id"] == entry_id]


@pytest.mark.parametrize(("stream", "data", "reason", "named"), BAD)
def test_what_cannot_be_handled_is_put_aside_with_its_reason(
    bot: Bot, stream: str, data: bytes, reason: str, named: str
) -> None:
    """The dead letter names what is wrong; the message is acknowledged and does not come back."""
    entry_id = bot.put(stream, data=data, traceparent="")
    readers = 2 if stream == "market_data" else 1
    letters = until(
        lambda: letters_of(bot, entry_id), holds=lambda found: len(found) >= readers, what=f"{readers} dead letters"
    )
    assert {letter["reason"] for letter in letters} == {reason}
    assert all(named in letter["detail"] for letter in letters), letters
    assert {letter["stream"] for letter in letters} == {stream}
    bot.wait_trading()
    assert len(letters_of(bot, entry_id)) == readers


def test_an_entry_without_data_is_put_aside(bot: Bot) -> None:
    """Somebody else's entry, with fields of his own."""
    entry_id = bot.put("signals", hello="world")
    until(lambda: letters_of(bot, entry_id), what="a dead letter")
    bot.wait_trading()


def test_a_fill_larger_than_its_order_is_put_aside_and_changes_nothing(bot: Bot) -> None:
    """The ledger had the true fill first; a forged one is no news."""
    (order_id, symbol, side, quantity) = bot.query(
        "SELECT order_id, symbol, side, quantity FROM orders WHERE state = 'filled' ORDER BY order_seq DESC LIMIT 1"
    )[0]
    entry_id = bot.put(
        "fills", data=fill(order_id=order_id, symbol=symbol, side=side, quantity=str(quantity * 2)), traceparent=""
    )
    letters = until(lambda: letters_of(bot, entry_id), what="a dead letter")
    assert letters[0]["reason"] == "contradiction"
    assert str(quantity) in letters[0]["detail"]
    bot.quiesce()
    bot.audit()


def test_an_order_that_differs_from_the_ledger_is_not_executed(bot: Bot) -> None:
    """Ten times the quantity of an order that exists."""
    (order_id, symbol, side, quantity, price, volatility) = bot.query(
        "SELECT order_id, symbol, side, quantity, reference_price, volatility FROM orders LIMIT 1"
    )[0]
    entry_id = bot.put(
        "orders",
        data=order(
            order_id=order_id, symbol=symbol, side=side, quantity=str(quantity * 10), reference_price=str(price),
            volatility=str(volatility),
        ),
        traceparent="",
    )  # fmt: skip
    letters = until(lambda: letters_of(bot, entry_id), what="a dead letter")
    assert letters[0]["reason"] == "contradiction"
    bot.quiesce()
    bot.audit()


def test_an_order_that_comes_again_gets_the_fill_it_has(bot: Bot) -> None:
    """Delivery is at least once; the effect is not."""
    (order_id, cause, symbol, side, quantity, price, volatility) = bot.query(
        "SELECT order_id, cause, symbol, side, quantity, reference_price, volatility FROM orders "
        "WHERE state = 'filled' ORDER BY order_seq LIMIT 1"
    )[0]
    data = order(
        order_id=order_id, cause=cause, symbol=symbol, side=side, quantity=str(quantity), reference_price=str(price),
        volatility=str(volatility),
    )  # fmt: skip
    with bot.redis() as client:  # one connection: what all have read is soon trimmed
        last: Any = client.xinfo_stream("fills")
        bot.put("orders", data=data, traceparent="")

        def sent_again() -> list[dict[str, Any]]:
            rows: Any = client.xrange("fills", min=b"(" + last["last-generated-id"])
            return [found for _, fields in rows if (found := json.loads(fields[b"data"]))["order_id"] == order_id]

        again = until(sent_again, every_s=0.001, what="the stored fill")
    stored = bot.query(f"SELECT quantity, price FROM fills WHERE order_id = '{order_id}'")  # noqa: S608
    assert stored == [(Decimal(again[0]["quantity"]), Decimal(again[0]["price"]))]
    bot.quiesce()
    bot.audit()


def test_a_signal_older_than_allowed_is_rejected_as_stale_however_it_comes(bot: Bot) -> None:
    """A forged but well-formed signal from an hour ago is decided once, and against it."""
    then = time.time_ns() - 3600 * 10**9
    trade_id = then // 1000
    data = signal(ts_event=then, ts_init=then, trade_id=trade_id, signal_id=f"BTCUSDT:momentum_v1:{trade_id}")
    for _ in range(2):
        bot.put("signals", data=data, traceparent="")
    where = f"signal_id = 'BTCUSDT:momentum_v1:{trade_id}'"
    until(lambda: bot.count("decisions", where), holds=lambda found: found == 1, what="one decision")
    assert bot.query(f"SELECT reason FROM decisions WHERE {where}") == [("STALE_MARKET_DATA",)]  # noqa: S608
    bot.quiesce()
    assert not [letter for letter in bot.dead_letters() if letter["reason"] == "handler"]
    bot.audit()


@pytest.mark.parametrize(
    "traceparent", ["", "garbage", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "é" * 5000, "\x00\x1b[31m" * 2000]
)
def test_a_hostile_traceparent_costs_a_trace_and_nothing_else(bot: Bot, traceparent: str) -> None:
    """The message is decided as any other."""
    trade_id = time.time_ns() // 1000
    data = signal(trade_id=trade_id, signal_id=f"BTCUSDT:momentum_v1:{trade_id}")
    bot.put("signals", data=data, traceparent=traceparent)
    where = f"signal_id = 'BTCUSDT:momentum_v1:{trade_id}'"
    until(lambda: bot.count("decisions", where), holds=lambda found: found == 1, what="one decision")
    bot.wait_trading()


def test_garbage_shows_in_the_error_counters(bot: Bot) -> None:
    """The operator's own way to try it: /test/scenario?kind=garbage."""
    before = bot.metric("cdb_core", "cdb_signal_errors_total", error_type="bad_message")
    assert bot.ask("cdb_ws", "/test/scenario?kind=garbage&count=7", post=True)[0] == 200
    until(
        lambda: bot.metric("cdb_core", "cdb_signal_errors_total", error_type="bad_message") - before,
        holds=lambda more: more == 7,
        what="seven errors",
    )
    bot.wait_trading()
