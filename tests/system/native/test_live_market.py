"""The whole bot on a live exchange's protocol, spoken by a stand-in: it trades, outlives an outage and catches up."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.exchange.lively import LivelyTape
from tests.exchange.market import Market
from tests.exchange.mexc import MexcServer
from tests.exchange.running import Running, running
from tests.support.bot import LIVELY, Bot, running_bot
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
def bot(tmp_path_factory: pytest.TempPathFactory, exchange: Running) -> Iterator[Bot]:
    """Run the services on the stand-in, which listens before they start."""
    addresses = {"MEXC_WS_URL": exchange.server.ws_url, "MEXC_REST_URL": exchange.server.rest_url}
    chosen = {**LIVELY, **addresses, "CDB_SOURCE": "mexc", "CDB_SYMBOLS": ",".join(SYMBOLS)}
    with running_bot(tmp_path_factory.mktemp("live"), chosen) as each:
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
