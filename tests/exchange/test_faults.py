"""Each fault does what it says, and the exchange is whole after it."""

import asyncio
import json
import urllib.error
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from services.ws.exchange.schema.mexc_pb2 import PushDataV3ApiWrapper
from tests.exchange.binance import BinanceServer
from tests.exchange.faults import ALL, DEFAULTS
from tests.exchange.market import NS_PER_S, Market
from tests.exchange.mexc import MexcServer
from tests.exchange.raw_client import (
    CHANNEL,
    ONE,
    SYMBOLS,
    WITHIN_S,
    ask,
    deals_in,
    get,
    pushed,
    refused,
    run,
    told,
    until,
    up,
)
from tests.exchange.running import running
from tests.exchange.schedule import LASTING, NAMES, Schedule, Step, random_faults
from tests.exchange.tape import Tape

BTC = "BTCUSDT"


@asynccontextmanager
async def subscribed(server: MexcServer) -> AsyncIterator[ClientConnection]:
    async with up(server), connect(server.ws_url, close_timeout=0.1, max_size=None) as client:
        await ask(client, "SUBSCRIPTION", CHANNEL + BTC)
        yield client


def price(number: int, market: Market) -> None:
    market.trade(BTC, Decimal(number), ONE)


def test_faults_of_frames() -> None:
    market = Market(SYMBOLS)
    server = MexcServer(market)

    async def one(client: ClientConnection, fault: str, value: Any) -> Any:
        setattr(server.faults, fault, value)
        price(1, market)
        frame = await told(client)
        server.faults.heal()
        return frame

    async def test() -> None:
        async with subscribed(server) as client:
            assert len(deals_in(await one(client, "twice", True))) == len(deals_in(await told(client))) == 1
            with pytest.raises(DecodeError):
                deals_in(await one(client, "broken", True))
            server.faults.wrong_type = True
            price(1, market)
            assert isinstance(await asyncio.wait_for(client.recv(), WITHIN_S), str)
            server.faults.heal()
            assert deals_in(await one(client, "unknown_kind", True))
            strange = PushDataV3ApiWrapper.FromString(await told(client))
            assert (strange.symbol, strange.WhichOneof("body")) == (BTC, None)
            bare = PushDataV3ApiWrapper.FromString(await one(client, "bare", True))
            assert (bare.HasField("symbol"), bare.channel) == (False, CHANNEL + BTC)
            without = PushDataV3ApiWrapper.FromString(await one(client, "trade_ids", False))
            assert not without.publicAggreDeals.deals[0].tradeId
            server.faults.drip_bytes = 7
            price(1, market)
            assert await pushed(client, 1)
            server.faults.heal()
            server.faults.huge_bytes = 10_000_000
            assert len(await told(client)) > 10_000_000

    run(test())


def test_silent_deals_are_only_in_rest_and_held_ones_come_late() -> None:
    market = Market(SYMBOLS)
    server = MexcServer(market)

    async def test() -> None:
        async with subscribed(server) as client:
            server.faults.silent = ALL
            price(1, market)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.recv(), 0.05)
            server.faults.heal()
            server.faults.hold = True
            price(2, market)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.recv(), 0.05)
            server.faults.heal()
            price(3, market)
            assert [deal.price for deal in await pushed(client, 2)] == [2, 3]
            assert [row["price"] for row in await get(server, "/api/v3/trades?symbol=BTCUSDT")] == ["3", "2", "1"]

    run(test())


def test_deals_come_again_after_subscribing_and_forty_minutes_late() -> None:
    market = Market(SYMBOLS)
    for minutes in range(60, 0, -1):
        market.trade(BTC, Decimal(minutes), ONE, time_ns=market.now_ns() - minutes * 60 * NS_PER_S)
    server = MexcServer(market)
    server.faults.again_on_subscribe = 2

    async def test() -> None:
        async with up(server), connect(server.ws_url) as client:
            again = deals_in(await ask(client, "SUBSCRIPTION", CHANNEL + BTC))
            assert [deal.price for deal in again] == [2, 1]
            server.faults.old_again_s = 2401.0
            assert [deal.price for deal in await pushed(client, 1)] == [40]

    run(test())


def test_subscriptions_that_are_refused_renamed_or_not_answered_and_pings_without_pong() -> None:
    server = MexcServer(Market(SYMBOLS))

    async def test() -> None:
        async with up(server), connect(server.ws_url) as client:
            server.faults.refused = frozenset({BTC})
            assert (await ask(client, "SUBSCRIPTION", CHANNEL + "ETHUSDT"))["msg"] == CHANNEL + "ETHUSDT"
            assert (await ask(client, "SUBSCRIPTION", CHANNEL + BTC))["msg"].startswith("Not Subscribed")
            server.faults.heal()
            server.faults.renamed = True
            assert (await ask(client, "SUBSCRIPTION", CHANNEL + BTC))["msg"].startswith("Not Subscribed")
            server.faults.heal()
            server.faults.no_acks = server.faults.mute_pongs = True
            await client.send(json.dumps({"method": "PING"}))
            pong = await client.ping()
            await client.send(json.dumps({"method": "SUBSCRIPTION", "params": [CHANNEL + BTC]}))
            await until(lambda: len(server.subscriptions[0]) == 2)
            price(1, server.market)
            assert await pushed(client, 1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pong, 0.01)
            server.faults.refuse_upgrade = 503
            with pytest.raises(InvalidStatus):
                await connect(server.ws_url, open_timeout=WITHIN_S)

    run(test())


def test_faults_of_rest() -> None:
    market = Market(SYMBOLS)
    server = MexcServer(market)
    trades = "/api/v3/trades?symbol=BTCUSDT"

    async def test() -> None:
        async with up(server):
            price(1, market)
            server.faults.rest_status = 429
            answer = await refused(server, trades)
            assert (answer.code, answer.headers["Retry-After"]) == (429, "1")
            server.faults.heal()
            for body in ("html", "broken"):
                server.faults.rest_body = body
                with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                    await get(server, trades)
            server.faults.rest_body = "empty"
            assert await get(server, trades) == []
            server.faults.heal()
            server.faults.rest_lag_s = 60.0
            assert await get(server, trades) == []
            server.faults.rest_lag_s = 0.0
            server.faults.rest_zeros = True
            assert (await get(server, trades))[0]["price"] == "1.000000000000"
            server.faults.rest_hangs_up = True
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                await get(server, trades)
            assert [call.status for call in server.record.calls_of("/api/v3/trades")][:3] == [429, 200, 200]

    run(test())


def test_binance_announces_its_end() -> None:
    server = BinanceServer(Market(SYMBOLS))

    async def test() -> None:
        async with up(server), connect(f"{server.ws_url}/stream?streams=btcusdt@trade") as client:
            await until(lambda: bool(server.subscriptions))
            server.faults.shutdown_notice_s = 0.02
            assert (await told(client))["e"] == "serverShutdown"
            await asyncio.wait_for(client.wait_closed(), WITHIN_S)
            assert client.close_code == 1001

    run(test())


def test_a_half_open_line_says_nothing_and_new_ones_work_afterwards() -> None:
    market = Market(SYMBOLS)

    async def test() -> None:
        server = MexcServer(market)
        async with up(server), connect(server.ws_url, close_timeout=0.01) as dead:
            await ask(dead, "SUBSCRIPTION", CHANNEL + "BTCUSDT")
            server.faults.half_open = True
            await until(lambda: all(line.frozen for line in server.lines))
            server.faults.half_open = False
            async with connect(server.ws_url) as alive:
                await ask(alive, "SUBSCRIPTION", CHANNEL + "BTCUSDT")
                market.trade("BTCUSDT", ONE, ONE)
                await pushed(alive, 1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(dead.recv(), 0.01)

    run(test())


@pytest.mark.parametrize("fault", NAMES)
def test_after_each_fault_the_exchange_is_whole(fault: str) -> None:
    assert fault == "stopped" or fault in DEFAULTS
    market = Market(SYMBOLS)
    server = MexcServer(market)
    value = 50 if fault == "drip_bytes" else ALL if fault in ("silent", "refused") else 1

    async def test() -> None:
        async with up(server), connect(server.ws_url, close_timeout=0.01, ping_interval=None):
            await until(lambda: bool(server.subscriptions))
            step = Step(0.0, fault, "reset" if fault == "drop" else value, 0.03 if fault in LASTING else 0.0)
            await Schedule([step], lasts_s=0.03).run(server)
            assert server.is_up
            assert server.faults == type(server.faults)()
            async with connect(server.ws_url) as client:
                await ask(client, "SUBSCRIPTION", CHANNEL + BTC)
                price(1, market)
                assert await pushed(client, 1)

    run(test())


def test_schedules_are_the_same_for_the_same_seed_and_leave_the_exchange_whole() -> None:
    market = Market(SYMBOLS)
    server = MexcServer(market)
    assert str(random_faults(3)) == str(random_faults(3))
    assert str(random_faults(3)) != str(random_faults(4))
    with running(server, Tape(market, rate=1000)) as stand_in:
        for seed in range(3):
            stand_in.run(random_faults(seed, lasts_s=0.3).run(server))
            assert server.is_up
            assert server.faults == type(server.faults)()
    assert market.count("BTCUSDT") > 0
