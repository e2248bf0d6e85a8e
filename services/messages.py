"""What travels on the bus: one versioned struct per stream, JSON on the wire, checked when it is read.

Prices and money are in the quote asset, quantities in the base asset, both Decimal; times are nanoseconds since the
Unix epoch: ts_event when it happened at its source, ts_init when the message was built.
"""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from services.costs import BASIS_POINTS, MAX_SLIPPAGE_BPS
from services.decoding import prepared
from services.topology import DEAD_LETTERS, FILLS, MARKET_DATA, ORDERS, SIGNALS

Side = Literal["BUY", "SELL"]
Cause = Literal["signal", "stop_loss", "operator"]

MAX_PRICE: Final = Decimal("1e9")
MAX_FILL_PRICE: Final = MAX_PRICE * (1 + MAX_SLIPPAGE_BPS / BASIS_POINTS)
MAX_QUANTITY: Final = Decimal("1e15")
MAX_NOTIONAL: Final = Decimal("1e15")
MAX_DECIMALS: Final = 18
MAX_TIME_NS: Final = 2**62
"""Bounds that keep every product exact within Decimal's 28 digits once it is rounded to 8 decimals."""
FINEST_DECIMALS: Final = 30
"""Fill prices of the cheapest coins have more decimals than the market's own."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
"""Names are shorter than texts: ids are made of them, ids of ids, and every one must fit into a text."""
Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Texts and numbers that the ledger's columns and indexes can hold."""

_ZERO: Final = Decimal(0)


class PositionKey(NamedTuple):
    """Whose position in what: a strategy sells only what it has bought itself."""

    symbol: str
    strategy: str


class BadMessage(Exception):
    """A message that cannot be read or breaks a rule of its type; the text says which field and what is allowed."""


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all messages have. A reader refuses every version that it does not know."""

    v: Literal[1] = 1
    ts_event: int
    ts_init: int

    def check(self) -> None:
        """Raise BadMessage if a value is outside what its type cannot express."""
        for name in ("ts_event", "ts_init"):
            if not 0 < getattr(self, name) < MAX_TIME_NS:
                raise BadMessage(f"{name} must be nanoseconds since 1970, got {getattr(self, name)}")


class MarketData(Message, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One trade of the market. trade_id rises with every trade of a symbol; sequence by one per message of one feed.

    One that is *late* came too late to decide on, such as after a lost connection; it may be out of order.
    """

    symbol: Name
    trade_id: Number
    side: Side
    price: Decimal
    quantity: Decimal
    source: Name
    feed: Number
    sequence: Number
    late: Literal[True] | msgspec.UnsetType = msgspec.UNSET

    def check(self) -> None:
        """Refuse what cannot be a trade."""
        super().check()
        if problem := trade_problem(self.price, self.quantity):
            raise BadMessage(problem)


class Signal(Message, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An opinion of a strategy about one symbol, from one trade; it ages."""

    signal_id: Text
    symbol: Name
    side: Side
    strategy: Name
    strength: Decimal
    price: Decimal
    volatility: Decimal
    trade_id: Number
    stream_id: Text

    def check(self) -> None:
        """Refuse an id that is not derived from its content, or values that no strategy can mean."""
        super().check()
        _check_texts(self, "signal_id", "symbol", "strategy")
        if self.signal_id != signal_id(self.symbol, self.strategy, self.trade_id):
            raise BadMessage(f"signal_id {self.signal_id!r:.80} is not derived from symbol, strategy and trade id")
        _check_positive("price", self.price, MAX_PRICE)
        _check_range("strength", self.strength, Decimal(1))
        _check_range("volatility", self.volatility, Decimal(100))
        if not is_stream_id(self.stream_id):
            raise BadMessage(f"stream_id must look like 1700000000000-0, got {self.stream_id!r:.80}")


class Order(Message, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instruction to the venue. The ledger has it before the bus does.

    *strategy* says whose position it concerns; orders that an older version has sent leave it empty.
    """

    order_id: Text
    cause: Cause
    symbol: Name
    strategy: Annotated[str, msgspec.Meta(max_length=40)] = ""
    side: Side
    quantity: Decimal
    reference_price: Decimal
    volatility: Decimal

    def check(self) -> None:
        """Refuse what no venue could execute."""
        super().check()
        _check_texts(self, "order_id", "symbol", "strategy")
        _check_positive("quantity", self.quantity, MAX_QUANTITY)
        _check_positive("reference_price", self.reference_price, MAX_PRICE)
        if self.quantity > most_of_one_order(self.reference_price):
            raise BadMessage(f"quantity times reference_price must be at most {MAX_NOTIONAL:f}, got {self.quantity:f}")
        _check_range("volatility", self.volatility, Decimal(100))


class Fill(Message, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the venue did with one order."""

    fill_id: Text
    order_id: Text
    symbol: Name
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    slippage_bps: Decimal
    realised_pnl: Decimal | None

    def check(self) -> None:
        """Refuse what no venue could report."""
        super().check()
        _check_texts(self, "fill_id", "order_id", "symbol")
        _check_positive("quantity", self.quantity, MAX_QUANTITY)
        _check_positive("price", self.price, MAX_FILL_PRICE)
        _check_range("fee", self.fee, MAX_NOTIONAL)
        _check_range("slippage_bps", self.slippage_bps.copy_abs(), MAX_NOTIONAL)
        _check_range("realised_pnl", (self.realised_pnl or _ZERO).copy_abs(), MAX_NOTIONAL)


class DeadLetter(Message, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message that could not be handled: where it stood, why, and its data (base64 if it is no text)."""

    stream: str
    entry_id: str
    group: str
    reason: str
    detail: str
    data: str
    encoding: Literal["text", "base64"]
    size: int
    complete: bool


M = TypeVar("M", bound=Message)

MESSAGE_TYPES: Final[dict[str, type[Message]]] = {
    MARKET_DATA: MarketData,
    SIGNALS: Signal,
    ORDERS: Order,
    FILLS: Fill,
    DEAD_LETTERS: DeadLetter,
}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    stream: msgspec.json.Decoder(prepared(kind)) for stream, kind in MESSAGE_TYPES.items()
}


def encode(message: Message) -> bytes:
    """*message* as JSON; a Decimal becomes a string, so no digit is lost."""
    return _ENCODER.encode(message)


def decode(stream: str, data: bytes) -> Message:
    """Read one message of *stream*. Raises BadMessage, naming the field and what is allowed."""
    try:
        message: Message = _DECODERS[stream].decode(data)
    except (msgspec.MsgspecError, ArithmeticError, UnicodeDecodeError) as error:
        raise BadMessage(str(error)[:200]) from error
    message.check()
    return message


def signal_id(symbol: str, strategy: str, trade_id: int) -> str:
    """Derive a signal's id: the same trade always gives the same one."""
    return f"{symbol}:{strategy}:{trade_id}"


def order_id_of_signal(signal: str) -> str:
    """Derive the id of the order that *signal* leads to."""
    return f"order:{signal}"


def order_id_of_stop_loss(position_id: str, trade_id: int) -> str:
    """Derive the id of the order that closes a position on the price of one trade."""
    return f"stop:{position_id}:{trade_id}"


def order_id_of_action(action_id: str, position_id: str) -> str:
    """Derive the id of the order that closes a position because an operator wants it."""
    return f"operator:{action_id}:{position_id}"


def position_id_of_order(order_id: str) -> str:
    """Derive the id of the position that *order_id* opened."""
    return f"position:{order_id}"


def fill_id_of_order(order_id: str) -> str:
    """Derive the id of an order's one fill."""
    return f"fill:{order_id}"


def most_of_one_order(price: Decimal) -> Decimal:
    """How much of a symbol one order can buy or sell at *price*."""
    return min(MAX_QUANTITY, MAX_NOTIONAL / price)


def is_stream_id(text: str) -> bool:
    """Whether *text* is a complete Redis stream id, as in 1700000000000-0."""
    milliseconds, dash, sequence = text.partition("-")
    return bool(dash) and all(part.isascii() and part.isdigit() and len(part) < 20 for part in (milliseconds, sequence))


def trade_problem(price: Decimal, quantity: Decimal) -> str | None:
    """What is wrong with a trade's price or quantity, or None."""
    if not price.is_finite() or not _ZERO < price <= MAX_PRICE or _decimals(price) > MAX_DECIMALS:
        return f"price must be over 0, at most {MAX_PRICE:f}, with at most {MAX_DECIMALS} decimals, got {price!s:.40}"
    if not quantity.is_finite() or not _ZERO < quantity <= MAX_QUANTITY or _decimals(quantity) > MAX_DECIMALS:
        return f"quantity must be over 0 and at most {MAX_QUANTITY:f}, got {quantity!s:.40}"
    if price * quantity > MAX_NOTIONAL:
        return f"price times quantity must be at most {MAX_NOTIONAL:f}, got {price!s:.40} times {quantity!s:.40}"
    return None


def _decimals(value: Decimal) -> int:
    """How many decimals a finite *value* has. Every trade is asked, and 0 times it has as many and no other digits."""
    return -(_ZERO * value).adjusted()


def _check_texts(message: Message, *names: str) -> None:
    """Refuse what a ledger's text column cannot hold or a person cannot read."""
    for name in names:
        text: str = getattr(message, name)
        if not (text.isascii() and text.isprintable()):
            raise BadMessage(f"{name} must be printable ASCII, got {text!r:.80}")


def _check_positive(name: str, value: Decimal, most: Decimal) -> None:
    if not value.is_finite() or not _ZERO < value <= most or _decimals(value) > FINEST_DECIMALS:
        raise BadMessage(f"{name} must be over 0 and at most {most:f}, got {value!s:.40}")


def _check_range(name: str, value: Decimal, most: Decimal) -> None:
    if not value.is_finite() or not _ZERO <= value <= most or _decimals(value) > FINEST_DECIMALS:
        raise BadMessage(f"{name} must be from 0 to {most:f}, got {value!s:.40}")
