"""The whole bot on a live exchange's protocol, spoken by a stand-in: it trades, outlives an outage and catches up."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial

import pytest

from tests.exchange.lively import LivelyTape
from tests.exchange.market import Market
from tests.exchange.mexc import MexcServer
from tests.exchange.running import Running, running
from tests.support.bot import LIVELY, SERVICES, Bot, running_bot
from tests.support.clocks import WrongClock
from tests.support.waiting import until

pytestmark = pytest.mark.e2e
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
LONG_AGO_S = 5


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    market = Market(SYMBOLS)
    tape = LivelyTape(market, seed=7, rate=75, pace=10)
    tape.play_past(20)
    with running(MexcServer(market), tape) as handle:
        yield handle


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> WrongClock:
    """The clock of all services; the exchange has the true one."""
    return WrongClock(tmp_path_factory.mktemp("clock") / "ours")


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory, exchange: Running, clock: WrongClock) -> Iterator[Bot]:
    """Run the services on the stand-in, which listens before they start."""
    addresses = {"MEXC_WS_URL": exchange.server.ws_url, "MEXC_REST_URL": exchange.server.rest_url}
    chosen = {**LIVELY, **addresses, "CDB_SOURCE": "mexc", "CDB_SYMBOLS": ",".join(SYMBOLS)}
    own = dict.fromkeys(SERVICES, clock.environment())
    with running_bot(tmp_path_factory.mktemp("live"), chosen, only_for=own) as each:
        each.wait_healthy()
        yield each


@contextmanager
def outage(exchange: Running) -> Iterator[None]:
    """Let the exchange be gone; its market goes on."""
    exchange.run(exchange.server.stop())
    try:
        yield
    finally:
        exchange.run(exchange.server.start())


def test_it_trades_on_what_the_exchange_tells(bot: Bot) -> None:
    bot.wait_trading()
    assert bot.metric("cdb_ws", "cdb_websocket_connections_active") == 1
    assert bot.metric("cdb_ws", "cdb_rest_requests_total", status_code="200") >= len(SYMBOLS)
    assert bot.metric("cdb_ws", "cdb_market_data_refused_total") == 0


def test_each_fill_has_a_price_that_the_market_had_after_the_order(bot: Bot, exchange: Running) -> None:
    """Moved by the venue's slippage, which is some basis points."""
    until(lambda: bot.count("fills"), holds=lambda fills: fills >= 5, what="fills")
    rows = bot.query(
        "SELECT symbol, price, extract(epoch FROM placed_at), extract(epoch FROM filled_at) FROM fills JOIN orders "
        "USING (order_id, symbol)"
    )
    for symbol, price, placed_s, filled_s in rows:
        deals = exchange.call(partial(exchange.server.market.deals, symbol))
        then = [deal.price for deal in deals if placed_s <= deal.time_ns / 1e9 <= filled_s]
        assert any(abs(price / one - 1) < Decimal("0.003") for one in then), (symbol, price, then)


def test_an_outage_shows_stops_trading_and_is_filled(bot: Bot, exchange: Running) -> None:
    bot.wait_trading()
    market = exchange.server.market
    filled = bot.metric("cdb_ws", "cdb_feed_gap_trades_filled_total")
    with outage(exchange):
        until(
            lambda: bot.metric("cdb_risk", "cdb_data_staleness_seconds"), holds=lambda age: age > LONG_AGO_S, what="age"
        )
        assert "Connect" in bot.ask("cdb_ws", "/feed")[1]["failure"]
        assert bot.metric("cdb_ws", "cdb_websocket_connections_active") == 0
        orders = bot.count("orders")
        missed = {symbol: market.count(symbol) for symbol in SYMBOLS}
        until(
            lambda: sum(market.count(symbol) - missed[symbol] for symbol in SYMBOLS),
            holds=lambda n: n > 100,
            what="market",
        )
        assert bot.count("orders") == orders, "nothing is decided on stale prices"
    until(
        lambda: bot.metric("cdb_ws", "cdb_feed_gap_trades_filled_total"), holds=lambda n: n > filled + 100, what="fill"
    )
    bot.wait_trading()
    assert bot.metric("cdb_ws", "cdb_websocket_reconnects_total") >= 1
    assert bot.metric("cdb_ws", "cdb_feed_gap_seconds_total", result="not_filled") == 0
    bot.audit()


@pytest.mark.parametrize("ahead_s", [-60, 3600, 0])
def test_when_our_clock_is_set_trading_goes_on(bot: Bot, clock: WrongClock, ahead_s: int) -> None:
    """The exchange's clock shows that it was ours; prices are as old as they are."""
    jumps = bot.metric("cdb_ws", "cdb_clock_jumps_total")
    clock.set(ahead_s)
    until(lambda: bot.metric("cdb_ws", "cdb_clock_jumps_total"), holds=lambda seen: seen > jumps, what="a jump")
    bot.wait_trading()
    until(lambda: bot.metric("cdb_risk", "cdb_data_staleness_seconds"), holds=lambda age: age < 3, what="fresh prices")
    until(
        lambda: bot.metric("cdb_ws", "cdb_exchange_clock_skew_seconds"),
        holds=lambda skew_s: abs(skew_s + ahead_s) < 5,
        what="the exchange's clock, measured again",
    )
