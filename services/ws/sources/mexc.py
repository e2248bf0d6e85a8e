"""MEXC's spot market: Protocol Buffers over WebSocket, trades without ids over REST."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError
from pydantic import Field

from services.messages import Side
from services.ws.exchange.protocol import (
    Confirmed,
    Deal,
    Exchange,
    Heard,
    Push,
    Refused,
    RestTrade,
    Unreadable,
    WebAddress,
    WsAddress,
    decoded,
    number,
)
from services.ws.exchange.schema.mexc_pb2 import PushDataV3ApiWrapper
from services.ws.live_source import LiveSettings, LiveSource
from services.ws.sources.port import Source

_CHANNEL: Final = "spot@public.aggre.deals.v3.api.pb@100ms@"
_MS: Final = 1_000_000
_TAKER: Final[dict[int, Side]] = {1: "BUY", 2: "SELL"}


class _Answer(msgspec.Struct):
    code: int | None = None
    msg: str = ""


class Mexc(Exchange):
    """Its protocol, as documented in late 2026."""

    name = "mexc"
    usual_ws_url = "wss://wbs-api.mexc.com/ws"
    most_subscriptions = 30
    messages_per_s = 20.0
    requests_per_s = 20.0
    requests_at_once = 200
    has_ids = False
    trades_path = "/api/v3/trades"
    trading_status = "1"
    statuses = {"1": "trading", "2": "paused", "3": "offline"}  # noqa: RUF012  nobody changes it

    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """One message for each, so that one that is refused does not harm the others."""
        return [_message("SUBSCRIPTION", [_CHANNEL + symbol]) for symbol in symbols]

    def ping(self) -> str | None:
        """The exchange sends none of its own."""
        return _message("PING")

    def read(self, frame: str | bytes) -> Heard:
        """Text is an answer, binary a push."""
        if isinstance(frame, str):
            return _read_answer(frame)
        wrapper = PushDataV3ApiWrapper()
        try:
            wrapper.ParseFromString(frame)
        except DecodeError as error:
            raise Unreadable("not_protobuf", f"{len(frame)} bytes: {error}") from error
        body = wrapper.WhichOneof("body")
        if body is None:
            raise Unreadable("not_expected", f"a push of channel {wrapper.channel!r:.60} without trades")
        symbol = wrapper.symbol or wrapper.channel.rpartition("@")[2]
        deals = [_deal(symbol, item) for item in getattr(wrapper, body).deals]
        return Push(deals, wrapper.sendTime or wrapper.createTime)

    def trades_query(self, symbol: str, after: Deal | None) -> dict[str, str]:
        """The newest 1000; there are no pages."""
        return {"symbol": symbol, "limit": str(self.page_length)}

    def read_trades(self, symbol: str, body: bytes) -> list[Deal]:
        """The answer has the newest first."""
        return [trade.deal(symbol, trade.time * _MS) for trade in reversed(decoded(body, list[RestTrade]))]


class MexcSettings(LiveSettings):
    """Where it is."""

    ws_url: WsAddress = Field(default=Mexc.usual_ws_url, validation_alias="MEXC_WS_URL")
    rest_url: WebAddress = Field(default="https://api.mexc.com", validation_alias="MEXC_REST_URL")


class MexcSource(LiveSource):
    """Real trades of MEXC."""

    name = Mexc.name
    exchange = Mexc
    settings = MexcSettings


def _read_answer(frame: str) -> Heard:
    answer = decoded(frame, _Answer)
    if answer.msg == "PONG":
        return None
    _, channel, name = answer.msg.rpartition(_CHANNEL)
    symbol = name.split("]")[0].split(" ")[0].strip()
    if answer.code == 0 and answer.msg.startswith(_CHANNEL):
        return Confirmed([symbol])
    if channel:
        return Refused([symbol], answer.msg)
    raise Unreadable("not_expected", f"{frame!r:.120}")


def _deal(symbol: str, item: Any) -> Deal:
    side = _TAKER.get(item.tradeType)
    if side is None:
        raise Unreadable("bad_value", f"tradeType {item.tradeType} of {symbol!r:.40}")
    return Deal(symbol, item.time * _MS, number(item.price), number(item.quantity), side)


def _message(method: str, params: list[str] | None = None) -> str:
    message: dict[str, object] = {"method": method}
    if params is not None:
        message["params"] = params
    return msgspec.json.encode(message).decode()


SOURCE: Final[type[Source]] = MexcSource
