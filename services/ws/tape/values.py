"""What single cells of a table of trades mean. A cell that means nothing raises BadValue, which says what would."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from services.messages import Side
from services.ws.trades import RefusalReason

TimeUnit = Literal["s", "ms", "us", "ns"]
NANOSECONDS_PER: Final[dict[TimeUnit, int]] = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
DATES: Final = "dates"
LONGEST: Final = 40
NO_ID: Final = -1

TAKERS: Final[dict[str, Side]] = {"buy": "BUY", "b": "BUY", "bid": "BUY", "sell": "SELL", "s": "SELL", "ask": "SELL"}
BUYER_IS_MAKER: Final[dict[str, Side]] = {"true": "SELL", "1": "SELL", "false": "BUY", "0": "BUY"}
"""If the buyer was the maker, the taker sold."""
LATE: Final = "late"
"""What a recorded tape says of a trade that nobody may act on."""
_LATE: Final = {LATE: True, "true": True, "1": True, "": False, "false": False, "0": False}

_BY_DIGITS: Final[dict[int, TimeUnit]] = {10: "s", 13: "ms", 16: "us", 19: "ns"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SEPARATORS: Final = re.compile(r"[/\-_ ]")
_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,20}")
_LARGEST_ID: Final = 2**63 - 1


class BadValue(Exception):
    """A cell that is not what its column says; the text names column, value and what is allowed."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def time_ns(text: str, unit: TimeUnit | None) -> tuple[int, str]:
    """*text* in nanoseconds since 1970, and its unit or DATES. Without a *unit* the number of digits tells it."""
    if len(text) > LONGEST:
        raise _no_time(text)
    if text.isdecimal():
        found = unit or _unit_of(text, text)
        return int(text) * NANOSECONDS_PER[found], found
    number = _decimal(text)
    if number is None:
        return _date_ns(text), DATES
    if not number.is_finite() or number.adjusted() > LONGEST:
        raise _no_time(text)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:  # 1.67533E+12, as a spreadsheet writes what its cell has no room for
        raise BadValue("malformed", f"time {text!r} has lost its last digits; export it as text")
    found = unit or _unit_of(str(int(number)), text)
    return int(number * NANOSECONDS_PER[found]), found


def _unit_of(digits: str, text: str) -> TimeUnit:
    unit = _BY_DIGITS.get(len(digits))
    if unit is None:
        raise _no_time(text)
    return unit


def _date_ns(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise _no_time(text) from None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND * 1000


def _no_time(text: str) -> BadValue:
    return BadValue(
        "malformed",
        f"time {text!r:.40} is no time since 1970 (10 digits are seconds, 13 ms, 16 us, 19 ns) and no date such as"
        " 2025-01-31T09:20:00.138Z",
    )


def trade_id(text: str) -> int:
    """The id as a number; NO_ID if there is none, or one that is no number."""
    if text.isdecimal() and len(text) < 19:
        return int(text)
    number = _decimal(text)
    if number is None or not number.is_finite() or not 0 <= number <= _LARGEST_ID or number != int(number):
        return NO_ID
    return int(number)


def symbol(text: str) -> str:
    """BTCUSDT for BTC/USDT, btcusdt, BTC-USDT or, as ccxt calls a perpetual contract, BTC/USDT:USDT."""
    pair, colon, _ = text.partition(":")
    found = _SEPARATORS.sub("", pair if colon and "/" in pair else text).upper()
    if not _SYMBOL.fullmatch(found):
        raise BadValue("malformed", f"symbol {text!r:.40} is no pair such as BTCUSDT or BTC/USDT")
    return found


def side(text: str, words: Mapping[str, Side]) -> Side:
    """The taker's side; *words* are TAKERS or BUYER_IS_MAKER, as the column says."""
    found = words.get(text) or words.get(text.lower())
    if found is None:
        if words is TAKERS:
            boolean = text.lower() in {"true", "false"}
            hint = "; a column that says whether the buyer was the maker is named isBuyerMaker" if boolean else ""
            raise BadValue("malformed", f"side must be buy or sell, got {text!r:.40}{hint}")
        raise BadValue("malformed", f"isBuyerMaker must be true or false, got {text!r:.40}")
    return found


def late(text: str) -> bool:
    """Whether nobody may act on the trade."""
    found = _LATE.get(text.lower())
    if found is None:
        raise BadValue("malformed", f"late must be {LATE}, true or 1, or empty, false or 0; got {text!r:.40}")
    return found


def number(name: str, text: str) -> Decimal:
    """A price or a quantity."""
    found = _decimal(text)
    if found is None or not found.is_finite():
        hint = " (a decimal point, and no commas)" if "," in text else ""
        raise BadValue("not_a_number", f"{name} {text!r:.40} is no number such as 1666.8{hint}")
    return found


def _decimal(text: str) -> Decimal | None:
    if len(text) > LONGEST or "_" in text:  # Python's own 1_000 is no number in a table
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
