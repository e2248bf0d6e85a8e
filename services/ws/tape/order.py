"""What the rows around a trade say about it: whether its time and price can be right, and an id if it has none."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Final

from msgspec.structs import replace

from services.clock import NANOSECONDS
from services.messages import MAX_PRICE
from services.ws.trades import MOST_BEHIND_NS, RawTrade, Refusal

WITNESSES: Final = 5
"""How many of the next trades are asked; most of them decide, so two wrong rows in succession are still found."""
FARTHEST: Final = 10_000
"""How many rows ahead the next trade of a symbol is looked for."""
ABSURD_FACTOR: Final = Decimal(5)
"""Finds a decimal point that is a digit off."""

_ZERO: Final = Decimal(0)

Row = RawTrade | Refusal


def plausible(rows: Iterable[Row], *, now_ns: int) -> Iterator[Row]:
    """Refuse a trade whose time or price is far from the trades around it, and so would make these look wrong.

    A time is wrong if it jumps ahead and most of the next trades are not there, or if there are none and it is after
    *now_ns*. A price is wrong if it is ABSURD_FACTOR times off both the symbol's last one and most of its next ones, or
    all of these for its first trade.
    """
    upcoming = _Upcoming(rows)
    newest_ns = 0
    prices: dict[str, Decimal] = {}
    for row in upcoming:
        if not isinstance(row, RawTrade) or not is_witness(row):
            yield row  # for the check of trades, which says what is wrong with it
        elif row.ts_event > newest_ns + MOST_BEHIND_NS and (ahead := _ahead(row, upcoming, now_ns)):
            yield Refusal("out_of_order", row.origin, ahead)
        elif absurd := _absurd(row, prices.get(row.symbol), upcoming):
            yield Refusal("malformed", row.origin, absurd)
        else:
            newest_ns = max(newest_ns, row.ts_event)
            prices[row.symbol] = row.price
            yield row


def with_made_ids(rows: Iterable[Row]) -> Iterator[Row]:
    """Give each trade an id made from its time: unique, rising, and the same whenever the file is read."""
    last = 0
    for row in rows:
        if isinstance(row, RawTrade):
            last = max(last + 1, row.ts_event)
            yield replace(row, trade_id=last)
        else:
            yield row


@dataclass
class Extent:
    """From when to when a symbol was traded in a file (nanoseconds), and its lowest and highest trade id."""

    first_ns: int
    last_ns: int
    lowest_id: int
    highest_id: int

    def take_in(self, trade: RawTrade) -> None:
        """Widen it to *trade*."""
        self.first_ns, self.last_ns = min(self.first_ns, trade.ts_event), max(self.last_ns, trade.ts_event)
        self.lowest_id, self.highest_id = min(self.lowest_id, trade.trade_id), max(self.highest_id, trade.trade_id)

    def contradicts(self, other: "Extent") -> bool:
        """Whether ids of one are not above those of the other although all its times are later."""
        earlier, later = (self, other) if self.first_ns <= other.first_ns else (other, self)
        return earlier.last_ns < later.first_ns and earlier.highest_id >= later.lowest_id


class IdCheck:
    """Whether the ids of a file rise with its trades, symbol by symbol. *problem* is empty as long as they do."""

    def __init__(self) -> None:
        self.problem = ""
        self._last: dict[str, tuple[int, int, set[int]]] = {}

    def note(self, trade: RawTrade) -> None:
        """Take in the next trade."""
        if trade.trade_id < 0:
            self.problem = self.problem or f"{trade.origin} has none"
            return
        newest_ns, highest, then = self._last.get(trade.symbol, (0, -1, set()))
        is_later = trade.ts_event > newest_ns
        if trade.ts_event < newest_ns or (not is_later and trade.trade_id in then):
            return  # a row out of order, or twice, is no fault of the ids
        if trade.trade_id <= highest:
            self.problem = self.problem or f"at {trade.origin} they do not rise"
        if is_later:
            then = set()
        then.add(trade.trade_id)
        self._last[trade.symbol] = (trade.ts_event, max(trade.trade_id, highest), then)


class _Upcoming(Iterable[Row]):
    """Rows that can be looked at before they are taken."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._seen: deque[Row] = deque()

    def __iter__(self) -> Iterator[Row]:
        """Take them, each once; they may be looked at in between."""
        while row := self._seen.popleft() if self._seen else next(self._rows, None):
            yield row

    def trades(self) -> Iterator[RawTrade]:
        """The next trades that are witnesses, without taking them."""
        for place in range(FARTHEST):
            if place == len(self._seen):
                row = next(self._rows, None)
                if row is None:
                    return
                self._seen.append(row)
            if isinstance(found := self._seen[place], RawTrade) and is_witness(found):
                yield found


def _ahead(trade: RawTrade, upcoming: _Upcoming, now_ns: int) -> str:
    """Why the time of a trade that jumps ahead is wrong, if it is."""
    following = list(islice(upcoming.trades(), WITNESSES))
    behind = [other for other in following if other.ts_event < trade.ts_event - MOST_BEHIND_NS]
    if 2 * len(behind) > len(following):
        seconds = (trade.ts_event - behind[0].ts_event) // NANOSECONDS
        return f"its time is {seconds:,} s ahead of the trades after it"
    if not following and trade.ts_event > now_ns:
        return "its time is in the future"
    return ""


def _absurd(trade: RawTrade, last: Decimal | None, upcoming: _Upcoming) -> str:
    """Why the price of a trade is wrong, if it is."""
    if last is not None and not _is_far(trade.price, last):
        return ""
    same = (other for other in upcoming.trades() if other.symbol == trade.symbol)
    following = [other.price for other in islice(same, WITNESSES)]
    far = [price for price in following if _is_far(trade.price, price)]
    alone = len(far) == len(following) if last is None else 2 * len(far) > len(following)
    if (far and alone) or (last is not None and not following):
        around = far[0] if far else last
        return f"price {trade.price!s:.40} is over {ABSURD_FACTOR} times off the trades around it ({around!s:.40})"
    return ""


def is_witness(trade: RawTrade) -> bool:
    """Whether the row says something about those around it: price and quantity can be a trade's, and it is not late."""
    return not trade.late and _ZERO < trade.price <= MAX_PRICE and trade.quantity > _ZERO


def _is_far(price: Decimal, other: Decimal) -> bool:
    return price > ABSURD_FACTOR * other or ABSURD_FACTOR * price < other
