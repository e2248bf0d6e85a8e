"""A client without any cleverness, for the tests of the stand-in itself."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from services.ws.exchange.schema.mexc_pb2 import PushDataV3ApiWrapper
from tests.exchange.market import NS_PER_MS, Deal, Taker
from tests.exchange.server import ExchangeServer

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
WITHIN_S: Final = 5.0
CHANNEL: Final = "spot@public.aggre.deals.v3.api.pb@10ms@"
ONE: Final = Decimal(1)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 4 * WITHIN_S))


@asynccontextmanager
async def up(server: ExchangeServer) -> AsyncIterator[ExchangeServer]:
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def told(client: ClientConnection) -> Any:
    """The next frame: parsed JSON, or the raw bytes of a binary one."""
    message = await asyncio.wait_for(client.recv(), WITHIN_S)
    return json.loads(message) if isinstance(message, str) else message


async def ask(client: ClientConnection, method: str, *params: str, number: int = 0) -> Any:
    await client.send(json.dumps({"method": method, "params": params, "id": number}))
    return await told(client)


async def until(holds: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true"
        await asyncio.sleep(0.005)


async def get(server: ExchangeServer, path: str) -> Any:
    def fetch() -> Any:
        with urllib.request.urlopen(server.rest_url + path, timeout=WITHIN_S) as reply:  # noqa: S310  loopback
            return json.loads(reply.read())

    return await asyncio.to_thread(fetch)


async def refused(server: ExchangeServer, path: str) -> urllib.error.HTTPError:
    with pytest.raises(urllib.error.HTTPError) as caught:
        await get(server, path)
    caught.value.close()
    return caught.value


async def until_closed(client: ClientConnection, method: str, *, every_s: float = 0.0) -> None:
    """Send messages until the server ends the connection."""
    with suppress(ConnectionClosed):
        while True:
            await ask(client, method)
            await asyncio.sleep(every_s)


def deals_in(frame: Any) -> list[Deal]:
    """What a frame of MEXC tells; nothing if it is an answer in JSON."""
    items = PushDataV3ApiWrapper.FromString(frame).publicAggreDeals.deals if isinstance(frame, bytes) else ()
    return [deal_of(item.time, item.price, item.quantity, "BUY" if item.tradeType == 1 else "SELL") for item in items]


async def pushed(client: ClientConnection, count: int) -> list[Deal]:
    """At least so many deals of MEXC."""
    deals: list[Deal] = []
    while len(deals) < count:
        deals += deals_in(await told(client))
    return deals


def deal_of(time_ms: int, price: str, quantity: str, taker: Taker) -> Deal:
    return Deal(time_ms * NS_PER_MS, Decimal(price), Decimal(quantity), taker, 0)


def rest_deals(rows: list[dict[str, Any]]) -> list[Deal]:
    return [deal_of(row["time"], row["price"], row["qty"], "SELL" if row["isBuyerMaker"] else "BUY") for row in rows]
