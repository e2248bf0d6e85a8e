"""MEXC spot as its clients see it: deals in Protocol Buffers ten or a hundred times a second, trades without ids."""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from services.ws.exchange.schema.mexc_pb2 import PublicAggreDealsV3Api, PublicDealsV3ApiItem, PushDataV3ApiWrapper
from tests.exchange.faults import Faults
from tests.exchange.limits import Limits, RestLimits
from tests.exchange.lines import Line
from tests.exchange.market import NS_PER_MS, Deal, Listing, Market
from tests.exchange.rest_rules import RestError, written
from tests.exchange.server import ExchangeServer

LIMITS: Final = Limits(
    rest=RestLimits(500, 10.0), messages_per_s=100, subscriptions=30, no_subscription_s=30.0, silence_s=60.0
)
CHANNEL: Final = re.compile(
    r"(?P<kind>spot@public\.aggre\.deals\.v3\.api\.pb@(?P<every>10|100)ms)@(?P<symbol>[A-Z0-9]+)"
)
UNKNOWN_MEMBER: Final = 399
STATUS: Final = {"trading": "1", "paused": "2", "offline": "3"}
MOST_TRADES: Final = 1000


class MexcServer(ExchangeServer):
    """Pings by JSON keep a connection open; those of the WebSocket protocol are answered, but do not."""

    name = "mexc"
    ws_path = "/ws"
    text: ClassVar[bool] = False

    def __init__(
        self, market: Market, faults: Faults | None = None, *, limits: Limits = LIMITS, **options: Any
    ) -> None:
        super().__init__(market, faults, limits=limits, **options)

    def opened(self, line: Line) -> None:
        pass

    async def received(self, line: Line, text: str) -> None:
        try:
            message = json.loads(text)
            method, number = message.get("method"), message.get("id", 0)
        except (ValueError, AttributeError):
            method, number, message = None, 0, {}
        if method == "PING":
            line.flow_at = line.loop.time()
            if not self.faults.mute_pongs:
                self._answer(line, number, "PONG")
        elif method == "SUBSCRIPTION":
            self._subscribe(line, number, message.get("params", []))
        elif method == "UNSUBSCRIPTION":
            params = message.get("params", [])
            for channel in params:
                self.pushes.unlisten(line, channel)
            self._answer(line, number, ",".join(params))
        else:
            self._answer(line, number, "Invalid message", code=1)

    def symbol_of(self, channel: str) -> str:
        return channel.rpartition("@")[2]

    def is_due(self, channel: str, last: int, now: int) -> bool:
        return last // 10 != now // 10 or "@10ms@" in channel

    def encode(self, channel: str, deals: Sequence[Deal]) -> list[bytes]:
        if not deals:
            return []
        ids = self.faults.trade_ids
        items = [
            PublicDealsV3ApiItem(
                price=f"{deal.price:f}",
                quantity=f"{deal.quantity:f}",
                tradeType=1 if deal.taker == "BUY" else 2,
                time=deal.time_ns // NS_PER_MS,
                tradeId=f"{deal.id}X1" if ids else "",
            )
            for deal in deals
        ]
        kind, _, symbol = channel.rpartition("@")
        frame = PushDataV3ApiWrapper(
            channel=channel, publicAggreDeals=PublicAggreDealsV3Api(deals=items, eventType=kind)
        )
        if not self.faults.bare:
            now_ms = self.market.now_ns() // NS_PER_MS
            frame.symbol, frame.createTime, frame.sendTime = symbol, now_ms, now_ms
        return [frame.SerializeToString()]

    def strange_frame(self, size: int) -> bytes:
        known = PushDataV3ApiWrapper(channel="spot@public.something.v4.api.pb@BTCUSDT", symbol="BTCUSDT")
        return known.SerializeToString() + _varint(UNKNOWN_MEMBER << 3 | 2) + _varint(size) + bytes(size)

    def rest_rows(self, path: str, query: dict[str, str], *, micros: bool) -> Any:
        now_ms = self.market.now_ns() // NS_PER_MS
        match path:
            case "/api/v3/trades":
                return self._trades(query)
            case "/api/v3/exchangeInfo":
                wanted = set(",".join((query.get("symbol", ""), query.get("symbols", ""))).split(",")) - {""}
                listings = [entry for entry in self.market.listings.values() if not wanted or entry.symbol in wanted]
                return {
                    "timezone": "CST", "serverTime": now_ms, "rateLimits": [], "exchangeFilters": [],
                    "symbols": [_listed(entry) for entry in listings],
                }  # fmt: skip
            case "/api/v3/time":
                return {"serverTime": now_ms + int(self.faults.time_off_s * 1000)}
        raise KeyError(path)

    def _subscribe(self, line: Line, number: int, channels: Sequence[str]) -> None:
        accepted, refused, too_many = [], [], []
        for channel in channels:
            if not self._exists(channel):
                refused.append(channel)
            elif len(line.channels) >= self.limits.subscriptions and channel not in line.channels:
                too_many.append(channel)
            else:
                accepted.append(channel)
                self.pushes.listen(line, channel)
        if accepted and not self.faults.no_acks:
            self._answer(line, number, ",".join(accepted))
        for why, several in (("Blocked!", refused), (f"At most {self.limits.subscriptions} subscriptions!", too_many)):
            if several:
                self._answer(line, number, f"Not Subscribed successfully! [{','.join(several)}].  Reason： {why} ")  # noqa: RUF001  it writes so

    def _exists(self, channel: str) -> bool:
        match = CHANNEL.fullmatch(channel)
        listing = self.market.listings.get(match["symbol"]) if match else None
        if listing is None or listing.status == "offline" or self.faults.renamed:
            return False
        return not self.faults.covers(self.faults.refused, listing.symbol)

    def _answer(self, line: Line, number: int, text: str, *, code: int = 0) -> None:
        self.say(line, json.dumps({"id": number, "code": code, "msg": text}, ensure_ascii=False, separators=(",", ":")))

    def _trades(self, query: dict[str, str]) -> list[dict[str, Any]]:
        listing = self.market.listings.get(query.get("symbol", ""))
        if listing is None:
            raise RestError(-1121, "Invalid symbol.")
        limit = min(int(query.get("limit", 500)), MOST_TRADES)
        window = self.market.rest_window(listing.symbol, lag_s=self.faults.rest_lag_s)
        return [_row(deal, zeros=self.faults.rest_zeros) for deal in reversed(window[-limit:])]


def _row(deal: Deal, *, zeros: bool) -> dict[str, Any]:
    sold = deal.taker == "SELL"
    return {
        "id": None,
        "price": written(deal.price, zeros=zeros),
        "qty": written(deal.quantity, zeros=zeros),
        "quoteQty": f"{deal.price * deal.quantity:f}",
        "time": deal.time_ns // NS_PER_MS,
        "isBuyerMaker": sold,
        "isBestMatch": True,
        "tradeType": "ASK" if sold else "BID",
    }


def _listed(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "status": STATUS[listing.status],
        "baseAsset": listing.base,
        "baseAssetPrecision": listing.quantity_places,
        "quoteAsset": listing.quote,
        "quotePrecision": listing.price_places,
        "quoteAssetPrecision": listing.price_places,
        "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"],
        "isSpotTradingAllowed": listing.status == "trading",
        "permissions": ["SPOT"],
        "fullName": listing.base,
    }


def _varint(number: int) -> bytes:
    low = bytearray()
    while number > 0x7F:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*low, number])
