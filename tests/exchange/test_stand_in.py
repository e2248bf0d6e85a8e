"""The stand-in speaks as the exchanges do: subscriptions, frames, REST, limits."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from websockets.asyncio.client import connect

from tests.exchange import binance, mexc
from tests.exchange.__main__ import how_to_use
from tests.exchange.binance import BinanceServer
from tests.exchange.limits import RestLimits
from tests.exchange.market import NS_PER_S, Market, identities
from tests.exchange.mexc import MexcServer
from tests.exchange.raw_client import (
    CHANNEL,
    ONE,
    SYMBOLS,
    WITHIN_S,
    ask,
    get,
    pushed,
    refused,
    rest_deals,
    run,
    told,
    until,
    until_closed,
    up,
)
from tests.exchange.tape import Tape


def test_the_command_that_is_printed_trades_what_the_stand_in_has() -> None:
    command = how_to_use(MexcServer(Market(["XRPUSDT", "ADAUSDT"])))
    assert "CDB_SOURCE=mexc CDB_SYMBOLS=XRPUSDT,ADAUSDT MEXC_WS_URL=" in command


def test_mexc_answers_subscriptions_and_pings_and_refuses_what_it_does_not_have() -> None:
    async def test() -> None:
        async with up(MexcServer(Market(SYMBOLS))) as server, connect(server.ws_url) as client:
            assert await ask(client, "SUBSCRIPTION", CHANNEL + "BTCUSDT") == {
                "id": 0, "code": 0, "msg": CHANNEL + "BTCUSDT",
            }  # fmt: skip
            refusal = await ask(client, "SUBSCRIPTION", CHANNEL + "btcusdt")
            assert refusal["msg"].startswith(f"Not Subscribed successfully! [{CHANNEL}btcusdt].  Reason")
            assert (await ask(client, "PING"))["msg"] == "PONG"
            assert server.subscriptions == [{CHANNEL + "BTCUSDT"}]

    run(test())


def test_mexc_refuses_the_thirty_first_subscription_and_keeps_the_others() -> None:
    symbols = [f"A{number}USDT" for number in range(31)]

    async def test() -> None:
        async with up(MexcServer(Market(symbols))) as server, connect(server.ws_url) as client:
            accepted = await ask(client, "SUBSCRIPTION", *(CHANNEL + symbol for symbol in symbols))
            assert accepted["msg"].count(CHANNEL) == 30
            assert (await told(client))["msg"].startswith("Not Subscribed successfully!")
            assert len(server.subscriptions[0]) == 30

    run(test())


@pytest.mark.parametrize("deflate", [False, True])
def test_equal_deals_of_one_millisecond_stay_two_on_both_ways(deflate: bool) -> None:
    market = Market(SYMBOLS)

    async def test() -> None:
        async with up(MexcServer(market, deflate=deflate)) as server, connect(server.ws_url) as client:
            await ask(client, "SUBSCRIPTION", CHANNEL + "BTCUSDT")
            for _ in range(2):
                market.trade("BTCUSDT", ONE, ONE, "SELL", time_ns=1_000 * NS_PER_S)
            first, second = await pushed(client, 2)
            assert first == second
            assert [row["time"] for row in await get(server, "/api/v3/trades?symbol=BTCUSDT")] == [1_000_000] * 2

    run(test())


def test_mexc_rest_gives_the_newest_first_and_no_more_than_it_keeps() -> None:
    market = Market(SYMBOLS, rest_keeps=3)

    async def test() -> None:
        async with up(MexcServer(market)) as server:
            for price in range(1, 6):
                market.trade("BTCUSDT", Decimal(price), ONE)
            rows = await get(server, "/api/v3/trades?symbol=BTCUSDT")
            assert [row["price"] for row in rows] == ["5", "4", "3"]
            assert rows[0]["id"] is None
            assert rows[0]["tradeType"] == "BID"
            market.listings["ETHUSDT"].status = "paused"
            listed = (await get(server, "/api/v3/exchangeInfo"))["symbols"]
            assert [(row["symbol"], row["status"]) for row in listed] == [("BTCUSDT", "1"), ("ETHUSDT", "2")]
            assert (await refused(server, "/api/v3/trades?symbol=NOUSDT")).code == 400

    run(test())


@pytest.mark.parametrize("seed", range(5))
def test_rest_and_websocket_agree_on_deals_and_their_order(seed: int) -> None:
    market = Market(SYMBOLS)
    tape = Tape(market, seed=seed)

    async def test() -> None:
        async with up(MexcServer(market)) as server, connect(server.ws_url) as client:
            await ask(client, "SUBSCRIPTION", CHANNEL + "BTCUSDT")
            for _ in range(5):
                tape.play(100)
                await asyncio.sleep(0)
            deals = await pushed(client, market.count("BTCUSDT"))
            rows = await get(server, "/api/v3/trades?symbol=BTCUSDT&limit=1000")
            truth = identities(market.deals("BTCUSDT"))
            assert identities(deals) == identities(reversed(rest_deals(rows))) == truth
            assert max(count for *_, count in truth) > 0

    run(test())


def test_mexc_closes_without_subscription_in_silence_and_at_the_end_of_its_life_but_not_who_pings() -> None:
    short = replace(mexc.LIMITS, no_subscription_s=0.4, silence_s=0.4, lifetime_s=1.0)

    async def test() -> None:
        server = MexcServer(Market(SYMBOLS), limits=short)
        async with up(server), connect(server.ws_url), connect(server.ws_url) as silent, connect(server.ws_url) as kept:
            await ask(silent, "SUBSCRIPTION", CHANNEL + "BTCUSDT")
            await ask(kept, "SUBSCRIPTION", CHANNEL + "BTCUSDT")
            await until_closed(kept, "PING", every_s=0.02)
            await until(lambda: len(server.record.closed) == 3)
            assert sorted(end.why for end in server.record.closed) == ["lifetime", "no subscription", "silence"]

    run(test())


def test_binance_gives_streams_of_the_address_and_subscribed_ones_with_ids_that_rise_by_one() -> None:
    market = Market(SYMBOLS, first_id=100)

    async def test() -> None:
        server = BinanceServer(market)
        async with up(server), connect(f"{server.ws_url}/stream?streams=btcusdt@trade&timeUnit=MICROSECOND") as client:
            assert await ask(client, "SUBSCRIBE", "ethusdt@trade", number=7) == {"result": None, "id": 7}
            for symbol in (*SYMBOLS, *SYMBOLS):
                market.trade(symbol, ONE, ONE, "SELL", time_ns=1_000_000_001_000)
            events = [await told(client) for _ in range(4)]
            ids = {event["stream"]: [] for event in events}  # type: dict[str, list[int]]
            for event in events:
                ids[event["stream"]].append(event["data"]["t"])
            assert ids == {"btcusdt@trade": [100, 101], "ethusdt@trade": [100, 101]}
            assert (events[0]["data"]["T"], events[0]["data"]["m"]) == (1_000_000_001, True)
            rows = await get(server, "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=101")
            assert [(row["id"], row["time"]) for row in rows] == [(101, 1_000_000)]

    run(test())


def test_who_sends_more_than_five_messages_a_second_is_closed_by_binance() -> None:
    async def test() -> None:
        server = BinanceServer(Market(SYMBOLS))
        async with up(server), connect(f"{server.ws_url}/stream") as client:
            await until_closed(client, "LIST_SUBSCRIPTIONS")
            assert server.record.most_messages() == 6

    run(test())


def test_who_asks_too_often_is_told_when_to_come_again_and_banned_if_not_listening() -> None:
    limits = replace(binance.LIMITS, rest=RestLimits(2, 60.0, banned=418))

    async def test() -> None:
        async with up(BinanceServer(Market(SYMBOLS), limits=limits)) as server:
            for _ in range(2):
                await get(server, "/api/v3/time")
            answers = [await refused(server, "/api/v3/time") for _ in range(12)]
            assert [answer.code for answer in answers] == [429] * 11 + [418]
            assert int(answers[0].headers["Retry-After"]) == 60

    run(test())


def test_a_reset_is_seen_as_1006_and_the_server_comes_back_on_the_same_ports() -> None:
    async def test() -> None:
        server = MexcServer(Market(SYMBOLS))
        async with up(server), connect(server.ws_url) as client:
            url = server.ws_url
            server.faults.drop = "reset"
            await asyncio.wait_for(client.wait_closed(), WITHIN_S)
            assert client.close_code == 1006
            await server.stop()
            await server.start()
            assert server.ws_url == url
            async with connect(url):
                await until(lambda: len(server.record.opened) == 2)

    run(test())
