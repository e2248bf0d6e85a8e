"""Which column of a table is which: by the names in its header, or by the forms of known dumps without one."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.messages import Side
from services.ws.tape import values

DELIMITERS: Final = ",;\t|"
OURS: Final = ("ts_ms", "trade_id", "symbol", "side", "price", "quantity")
RECORDED: Final = ("ts_ns", "trade_id", "symbol", "side", "price", "quantity", "late")
WITHOUT_HEADER: Final = (
    ("id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"),
    ("id", "price", "qty", "quoteQty", "time", "isBuyerMaker"),
    ("id", "price", "quantity", "firstId", "lastId", "time", "isBuyerMaker", "isBestMatch"),
    ("id", "price", "quantity", "firstId", "lastId", "time", "isBuyerMaker"),
    OURS,
)
"""Binance's trades and aggTrades, spot and futures, and our own."""

_TIME: Final = (
    *("tsms", "tsus", "tsns", "ts", "timestamp", "timestampms", "time", "tradetime", "transacttime", "createdtime"),
    *("createdat", "T", "datetime", "date"),
)
_ID: Final = ("tradeid", "id", "aggtradeid", "aggregatetradeid", "trdmatchid", "a", "t")
_SYMBOL: Final = ("symbol", "pair", "market", "instrument", "instrumentname", "s")
_MAKER: Final = ("isbuyermaker", "buyermaker", "wasthebuyerthemaker", "m")
_SIDE: Final = ("side", "takerside", *_MAKER, "tradetype", "type")
_PRICE: Final = ("price", "p")
_QUANTITY: Final = ("quantity", "qty", "amount", "size", "volume", "q")
_LATE: Final = ("late",)
"""Names as _plain writes them, the best first: ccxt has both timestamp and datetime, freqtrade both side and type."""


class UnknownColumns(Exception):
    """The first line is neither a header nor a trade; the text says what it must be."""


@dataclass(frozen=True)
class Columns:
    """Where each value stands in a row; None for what the table has not."""

    time: int
    price: int
    quantity: int
    side: int
    sides: Mapping[str, Side]
    trade_id: int | None
    symbol: int | None
    late: int | None
    width: int
    delimiter: str


def split(line: str, delimiter: str) -> list[str]:
    """The cells of *line*; none if it is beyond what a CSV reader takes.

    It is parsed by itself, so a quote that is not closed takes no other line with it.
    """
    text = line.rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []


def delimiter_of(line: str) -> str:
    """What separates the cells of *line*."""
    return max(DELIMITERS, key=line.count)


def named(names: Iterable[str], delimiter: str) -> Columns:
    """The columns of a table with this header. Raises UnknownColumns."""
    where: dict[str, int] = {}
    found = [_plain(name) for name in names]
    for index, name in enumerate(found):
        where.setdefault(name, index)

    def first(known: Iterable[str]) -> int | None:
        return next((where[name] for name in known if name in where), None)

    time, price, quantity, side = first(_TIME), first(_PRICE), first(_QUANTITY), first(_SIDE)
    if time is None or price is None or quantity is None or side is None:
        wanted = {"time": time, "price": price, "quantity": quantity, "side or isBuyerMaker": side}
        missing = ", ".join(name for name, index in wanted.items() if index is None)
        raise UnknownColumns(f"it names no column for {missing}")
    return Columns(
        time=time,
        price=price,
        quantity=quantity,
        side=side,
        sides=values.BUYER_IS_MAKER if found[side] in _MAKER else values.TAKERS,
        trade_id=first(_ID),
        symbol=first(_SYMBOL),
        late=first(_LATE),
        width=len(found),
        delimiter=delimiter,
    )


def _plain(name: str) -> str:
    """*name* without case, signs and a unit in brackets; a single letter keeps its case, as Binance's t and T."""
    letters = re.sub(r"\(.*?\)|\[.*?\]|[^A-Za-z0-9]", "", name)
    return letters if len(letters) == 1 else letters.lower()
