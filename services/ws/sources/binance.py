"""Binance's spot market: JSON over WebSocket, trades whose ids rise by one, pages of them over REST."""

from collections.abc import Sequence
from itertools import count
from typing import Final

import msgspec
from pydantic import Field

from services.messages import Side
from services.ws.exchange.protocol import (
    Confirmed,
    Deal,
    Ending,
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
from services.ws.live_source import LiveSettings, LiveSource
from services.ws.sources.port import Source

_MS: Final = 1_000_000
_MICROSECONDS_FROM: Final = 10**14
"""A time in milliseconds reaches this in the year 5138."""


class _Event(msgspec.Struct, rename={"kind": "e", "symbol": "s", "trade_id": "t", "at": "T", "by_maker": "m"}):
    kind: str
    symbol: str = ""
    trade_id: int = -1
    p: str = ""
    q: str = ""
    at: int = 0
    by_maker: bool = False


class _Error(msgspec.Struct):
    code: int = 0
    msg: str = ""


class _Frame(msgspec.Struct):
    """An event of a combined stream, an answer to a message of ours (id), or an error."""

    data: _Event | None = None
    e: str = ""
    id: int | None = None
    error: _Error | None = None


class _Trade(RestTrade):
    id: int


class Binance(Exchange):
    """Its protocol, as documented in late 2026."""

    name = "binance"
    usual_ws_url = "wss://data-stream.binance.vision"
    most_subscriptions = 30
    messages_per_s = 2.5
    requests_per_s = 2.0
    requests_at_once = 60
    has_ids = True
    trades_path = "/api/v3/historicalTrades"
    trading_status = "TRADING"

    def __init__(self, ws_url: str, rest_url: str) -> None:
        super().__init__(ws_url, rest_url)
        self._numbers = count(1)
        self._asked: dict[int, Sequence[str]] = {}

    def stream_url(self) -> str:
        """Combined streams, to which subscriptions are added."""
        return f"{self.ws_url}/stream"

    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """One message for all: there may be few in a second."""
        asked = next(self._numbers)
        self._asked[asked] = symbols
        streams = [f"{symbol.lower()}@trade" for symbol in symbols]
        return [msgspec.json.encode({"method": "SUBSCRIBE", "params": streams, "id": asked}).decode()]

    def read(self, frame: str | bytes) -> Heard:
        """All frames are JSON."""
        message = decoded(frame, _Frame)
        if message.data is not None:
            return _read_event(message.data)
        if message.e == "serverShutdown":
            return Ending()
        if message.id is not None and (symbols := self._asked.pop(message.id, None)) is not None:
            return Refused(symbols, message.error.msg) if message.error else Confirmed(symbols)
        raise Unreadable("not_expected", f"{frame!r:.120}")

    def trades_query(self, symbol: str, after: Deal | None) -> dict[str, str]:
        """The newest 1000, or those after an id."""
        query = {"symbol": symbol, "limit": str(self.page_length)}
        if after is not None and after.id is not None:
            query["fromId"] = str(after.id + 1)
        return query

    def read_trades(self, symbol: str, body: bytes) -> list[Deal]:
        """The answer has the oldest first."""
        trades = sorted(decoded(body, list[_Trade]), key=lambda trade: trade.id)
        return [trade.deal(symbol, _ns(trade.time), trade.id) for trade in trades]


class BinanceSettings(LiveSettings):
    """Where it is."""

    ws_url: WsAddress = Field(default=Binance.usual_ws_url, validation_alias="BINANCE_WS_URL")
    rest_url: WebAddress = Field(default="https://api.binance.com", validation_alias="BINANCE_REST_URL")


class BinanceSource(LiveSource):
    """Real trades of Binance."""

    name = Binance.name
    exchange = Binance
    settings = BinanceSettings


def _read_event(event: _Event) -> Heard:
    if event.kind == "serverShutdown":
        return Ending()
    if event.kind != "trade":
        raise Unreadable("not_expected", f"an event {event.kind!r:.40}")
    side: Side = "SELL" if event.by_maker else "BUY"
    return Push([Deal(event.symbol, _ns(event.at), number(event.p), number(event.q), side, event.trade_id)])


def _ns(told: int) -> int:
    """Milliseconds, or microseconds where the exchange was asked for those."""
    return told * (1_000 if told >= _MICROSECONDS_FROM else _MS)


SOURCE: Final[type[Source]] = BinanceSource
