"""Binance spot as its clients see it: a JSON event per trade, ids that rise by one, REST that goes on from an id."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.exchange.faults import Faults
from tests.exchange.limits import Limits, RestLimits
from tests.exchange.lines import Line
from tests.exchange.market import NS_PER_MS, Deal, Listing, Market
from tests.exchange.rest_rules import RestError, written
from tests.exchange.server import ExchangeServer

WEIGHTS: Final = {"/api/v3/historicalTrades": 25, "/api/v3/exchangeInfo": 20}
LIMITS: Final = Limits(
    rest=RestLimits(6000, 60.0, banned=418, weights=WEIGHTS), messages_per_s=5, subscriptions=1024, ping_every_s=20.0
)
STATUS: Final = {"trading": "TRADING", "paused": "HALT", "offline": "BREAK"}
MICROS: Final = "#us"
"""Ends the names of channels whose times are in microseconds; clients do not see it."""
NS_PER_US: Final = 1000
MOST_TRADES: Final = 1000


class BinanceServer(ExchangeServer):
    """Combined streams: those of the address, and those that are subscribed to later."""

    name = "binance"
    ws_path = "/stream"
    text: ClassVar[bool] = True

    def __init__(
        self, market: Market, faults: Faults | None = None, *, limits: Limits = LIMITS, **options: Any
    ) -> None:
        super().__init__(market, faults, limits=limits, **options)

    @property
    def ws_url(self) -> str:
        """The address without its path, to which clients append /stream?streams=..."""
        return super().ws_url.removesuffix(self.ws_path)

    def opened(self, line: Line) -> None:
        query = parse_qs(urlsplit(line.request.path if line.request else "").query)
        line.unit = MICROS if query.get("timeUnit", [""])[0].upper() == "MICROSECOND" else ""
        streams = [stream for text in query.get("streams", []) for stream in text.split("/") if stream]
        for stream in streams[: self.limits.subscriptions]:
            self.pushes.listen(line, stream + line.unit)

    async def received(self, line: Line, text: str) -> None:
        try:
            message = json.loads(text)
            method, params, number = message["method"], message.get("params", []), message.get("id")
        except (ValueError, TypeError, KeyError):
            self._refuse(line, None, "Invalid request: a JSON object with a method is expected")
            return
        channels = [stream + line.unit for stream in params]
        refused = [stream for stream in params if self._is_refused(stream)]
        if refused or method not in ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"):
            self._refuse(line, number, f"Invalid request: {refused or method}")
        elif method == "SUBSCRIBE" and len(line.channels | set(channels)) > self.limits.subscriptions:
            self._refuse(line, number, "Too many subscriptions", code=4)
        elif method == "LIST_SUBSCRIPTIONS":
            self._answer(line, {"result": sorted(name.removesuffix(MICROS) for name in line.channels), "id": number})
        else:
            if not self.faults.no_acks:
                self._answer(line, {"result": None, "id": number})
            for channel in channels:
                (self.pushes.listen if method == "SUBSCRIBE" else self.pushes.unlisten)(line, channel)

    def symbol_of(self, channel: str) -> str:
        stream, _, kind = channel.removesuffix(MICROS).partition("@")
        return stream.upper() if stream.islower() and kind == "trade" else ""

    def is_due(self, channel: str, last: int, now: int) -> bool:
        return True

    def encode(self, channel: str, deals: Sequence[Deal]) -> list[bytes]:
        stream = channel.removesuffix(MICROS)
        symbol, unit = self.symbol_of(channel), NS_PER_US if channel.endswith(MICROS) else NS_PER_MS
        now = self.market.now_ns() // unit
        head = f'{{"stream":"{stream}","data":{{"e":"trade","E":{now},"s":"{symbol}","t":'
        sold = {"BUY": "false", "SELL": "true"}
        events = (
            f'{head}{deal.id},"p":"{deal.price:.8f}","q":"{deal.quantity:.8f}",'
            f'"T":{deal.time_ns // unit},"m":{sold[deal.taker]},"M":true}}}}'
            for deal in deals
        )
        return [event.encode() for event in events]

    def strange_frame(self, size: int) -> bytes:
        return b'{"stream":"btcusdt@trade","data":{"e":"somethingNew","s":"BTCUSDT","x":"%s"}}' % (b"x" * size)

    def shutdown_notice(self) -> str:
        return json.dumps({"e": "serverShutdown", "E": self.market.now_ns() // NS_PER_MS}, separators=(",", ":"))

    def rest_rows(self, path: str, query: dict[str, str], *, micros: bool) -> Any:
        unit = NS_PER_US if micros else NS_PER_MS
        now = self.market.now_ns()
        match path:
            case "/api/v3/historicalTrades" | "/api/v3/trades":
                return self._trades(query, unit, by_id=path.endswith("historicalTrades"))
            case "/api/v3/exchangeInfo":
                return {
                    "timezone": "UTC",
                    "serverTime": now // NS_PER_MS,
                    "rateLimits": [],
                    "exchangeFilters": [],
                    "symbols": [_listed(listing) for listing in self._wanted(query)],
                }
            case "/api/v3/time":
                return {"serverTime": now // unit + int(self.faults.time_off_s * 1_000_000_000 // unit)}
        raise KeyError(path)

    def _is_refused(self, stream: str) -> bool:
        """Streams of unknown symbols are accepted and give nothing; so it really is."""
        return self.faults.renamed or (self.faults.covers(self.faults.refused, self.symbol_of(stream)))

    def _refuse(self, line: Line, number: Any, text: str, *, code: int = 2) -> None:
        self._answer(line, {"error": {"code": code, "msg": text}, "id": number})

    def _answer(self, line: Line, answer: dict[str, Any]) -> None:
        self.say(line, json.dumps(answer, separators=(",", ":")))

    def _wanted(self, query: dict[str, str]) -> list[Listing]:
        names = json.loads(query.get("symbols", "[]")) + ([query["symbol"]] if "symbol" in query else [])
        if unknown := [name for name in names if name not in self.market.listings]:
            raise RestError(-1121, f"Invalid symbol. {unknown[0]}")
        return [listing for name, listing in self.market.listings.items() if not names or name in names]

    def _trades(self, query: dict[str, str], unit: int, *, by_id: bool) -> list[dict[str, Any]]:
        symbol, limit = query.get("symbol", ""), int(query.get("limit", 500))
        if symbol not in self.market.listings:
            raise RestError(-1121, "Invalid symbol.")
        if not 0 < limit <= MOST_TRADES:
            raise RestError(-1130, "Data sent for parameter 'limit' is not valid.")
        window = self.market.rest_window(symbol, lag_s=self.faults.rest_lag_s)
        first = len(window) - limit
        if by_id and "fromId" in query and window:
            first = int(query["fromId"]) - window[0].id
        zeros = self.faults.rest_zeros
        return [_row(deal, unit, zeros=zeros) for deal in window[max(0, first) : max(0, first) + limit]]


def _row(deal: Deal, unit: int, *, zeros: bool) -> dict[str, Any]:
    return {
        "id": deal.id,
        "price": written(deal.price, zeros=zeros, places=8),
        "qty": written(deal.quantity, zeros=zeros, places=8),
        "quoteQty": f"{deal.price * deal.quantity:f}",
        "time": deal.time_ns // unit,
        "isBuyerMaker": deal.taker == "SELL",
        "isBestMatch": True,
    }


def _listed(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "status": STATUS[listing.status],
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "permissions": [],
    }
