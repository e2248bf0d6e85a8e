"""What differs from one exchange to the next: addresses, subscribing, decoding, paging. All else is written once."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, ClassVar, Final, Literal, TypeVar

import msgspec

from services.decoding import prepared
from services.messages import Side
from services.settings import written_as

T = TypeVar("T")
WsAddress = Annotated[str, written_as(r"wss?://[^\s/]+(/\S*)?", "it must begin with ws:// or wss://, then a host")]
WebAddress = Annotated[
    str, written_as(r"https?://[^\s/]+(/\S*)?", "it must begin with http:// or https://, then a host")
]
UnreadableReason = Literal["not_json", "not_protobuf", "not_expected", "too_large", "bad_value"]


class Deal(msgspec.Struct, frozen=True, gc=False):
    """A trade as the exchange tells it: time_ns by its clock; *id* is None where there is none to rely on."""

    symbol: str
    time_ns: int
    price: Decimal
    quantity: Decimal
    side: Side
    id: int | None = None

    def identity(self) -> object:
        """What it has in common with no other trade of its symbol at this instant, except one that is wholly equal."""
        return (self.price, self.quantity, self.side) if self.id is None else self.id


class Push(msgspec.Struct, frozen=True):
    """Trades of one symbol in their order. *sent* differs from frame to frame; 0 if the exchange does not say."""

    deals: Sequence[Deal]
    sent: int = 0


class Confirmed(msgspec.Struct, frozen=True):
    """The exchange has taken a subscription to these symbols."""

    symbols: Sequence[str]


class Refused(msgspec.Struct, frozen=True):
    """The exchange has refused a subscription."""

    symbols: Sequence[str]
    why: str


class Ending(msgspec.Struct, frozen=True):
    """The exchange will close this connection soon."""


class Listing(msgspec.Struct, frozen=True):
    """A symbol as the exchange lists it; *status* in its own word."""

    trading: bool
    status: str


Heard = Push | Confirmed | Refused | Ending | None
"""What a frame says; None is what is known and says nothing, such as a pong."""


class Unreadable(Exception):
    """A frame or an answer that is not what the exchange's documentation promises."""

    def __init__(self, reason: UnreadableReason, detail: str) -> None:
        self.reason: Final = reason
        self.detail: Final = detail
        super().__init__(f"{reason}: {detail}")


class Exchange(ABC):
    """One exchange's protocol. Nothing here connects to anything."""

    name: ClassVar[str]
    most_subscriptions: ClassVar[int]
    """On one connection."""
    messages_per_s: ClassVar[float]
    """What one connection may send, with some room left."""
    requests_per_s: ClassVar[float]
    requests_at_once: ClassVar[int]
    """What REST may be asked, with some room left: steadily, and after a rest, such as at a start."""
    page_length: ClassVar[int] = 1000
    """How many trades one answer of REST has at most."""
    has_ids: ClassVar[bool]
    """Whether trades have ids that rise by one, so that REST can be asked for those after a given one."""

    def __init__(self, ws_url: str, rest_url: str) -> None:
        self.ws_url = ws_url.rstrip("/")
        self.rest_url = rest_url.rstrip("/")

    def stream_url(self) -> str:
        """Where to connect."""
        return self.ws_url

    @abstractmethod
    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """The messages that subscribe to *symbols*."""

    def ping(self) -> str | None:
        """The message that keeps a connection open where the WebSocket protocol's own ping does not."""
        return None

    usual_ws_url: ClassVar[str]
    """The address of the real exchange, as WS_URL has it."""

    @abstractmethod
    def read(self, frame: str | bytes) -> Heard:
        """Decode a frame; raises Unreadable."""

    time_path: ClassVar[str] = "/api/v3/time"
    listing_path: ClassVar[str] = "/api/v3/exchangeInfo"
    trades_path: ClassVar[str]

    def read_time(self, body: bytes) -> int:
        """The exchange's time in nanoseconds; raises Unreadable."""
        return decoded(body, _Time).serverTime * 1_000_000

    trading_status: ClassVar[str]
    """The status of a symbol that is traded."""
    statuses: ClassVar[Mapping[str, str]] = {}
    """Words for statuses that are none."""

    def read_listing(self, body: bytes) -> Mapping[str, Listing]:
        """Every symbol that the exchange has; raises Unreadable."""
        return {
            one.symbol: Listing(one.status == self.trading_status, self.statuses.get(one.status, one.status))
            for one in decoded(body, _Symbols).symbols
        }

    @abstractmethod
    def trades_query(self, symbol: str, after: Deal | None) -> dict[str, str]:
        """Ask for the newest trades, or, where trades have ids, for those that follow *after*."""

    @abstractmethod
    def read_trades(self, symbol: str, body: bytes) -> list[Deal]:
        """The trades of an answer in the exchange's order, oldest first; raises Unreadable."""


class RestTrade(msgspec.Struct):
    """What a trade has over REST on every exchange here. An id that can be relied on is a field of a subclass."""

    price: str
    qty: str
    time: int
    isBuyerMaker: bool  # noqa: N815  as exchanges write it

    def deal(self, symbol: str, time_ns: int, trade_id: int | None = None) -> Deal:
        """The same as a deal; raises Unreadable."""
        side: Side = "SELL" if self.isBuyerMaker else "BUY"
        return Deal(symbol, time_ns, number(self.price), number(self.qty), side, trade_id)


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815  as exchanges write it


class _Symbol(msgspec.Struct):
    symbol: str
    status: str


class _Symbols(msgspec.Struct):
    symbols: list[_Symbol]


def decoded(body: bytes | str, kind: type[T]) -> T:
    """Read JSON; raises Unreadable, which says what came instead."""
    try:
        return msgspec.json.decode(body, type=prepared(kind))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        start = body[:60] if isinstance(body, str) else body[:60].decode("utf-8", "replace")
        raise Unreadable("not_json", f"{error}; it begins {start!r}") from error


def number(text: str) -> Decimal:
    """A price or a quantity; raises Unreadable."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Unreadable("bad_value", f"{text!r:.40} is no number") from error
