"""The exchange's own truth: its symbols, every deal in its order, and which deals its REST still gives."""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

Taker = Literal["BUY", "SELL"]
Status = Literal["trading", "paused", "offline"]
NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
QUOTES = ("USDT", "USDC", "BTC", "ETH", "EUR")


class Deal(NamedTuple):
    """One trade. *time_ns* is by the exchange's clock; *id* rises by one within a symbol."""

    time_ns: int
    price: Decimal
    quantity: Decimal
    taker: Taker
    id: int


@dataclass
class Listing:
    """One symbol of the exchange; its status may change at any time."""

    symbol: str
    status: Status = "trading"
    price_places: int = 2
    quantity_places: int = 5
    deals: list[Deal] = field(default_factory=list, repr=False)
    forgotten: int = 0

    @property
    def quote(self) -> str:
        """The asset that prices are in."""
        return next((quote for quote in QUOTES if self.symbol.endswith(quote)), self.symbol[-3:])

    @property
    def base(self) -> str:
        """The asset that quantities are in."""
        return self.symbol.removesuffix(self.quote)


class Market:
    """All symbols and deals of one exchange, whose clock is *skew_s* ahead of ours.

    *rest_keeps* is how many of a symbol's newest deals REST gives (None: all). *remembers* is for a stand-in that runs
    for days: about so many deals of a symbol are kept at all (None: all).
    """

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        rest_keeps: int | None = 1000,
        skew_s: float = 0.0,
        first_id: int = 1,
        remembers: int | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.listings = {symbol: Listing(symbol) for symbol in symbols}
        self.rest_keeps = rest_keeps
        self.skew_s = skew_s
        self._first_id = first_id
        self._remembers = remembers
        self._clock = clock

    def now_ns(self) -> int:
        """The exchange's time."""
        return self._clock() + int(self.skew_s * NS_PER_S)

    def is_trading(self, symbol: str) -> bool:
        """Whether *symbol* is listed and neither paused nor offline."""
        return symbol in self.listings and self.listings[symbol].status == "trading"

    def trade(
        self, symbol: str, price: Decimal, quantity: Decimal, taker: Taker = "BUY", *, time_ns: int | None = None
    ) -> Deal:
        """Let a deal happen, now or at *time_ns*, but never before the symbol's last one."""
        if not self.is_trading(symbol):
            raise ValueError(f"{symbol} is not trading")
        listing = self.listings[symbol]
        when = self.now_ns() if time_ns is None else time_ns
        if listing.deals:
            when = max(when, listing.deals[-1].time_ns)
        deal = Deal(when, price, quantity, taker, self._first_id + self.count(symbol))
        listing.deals.append(deal)
        if self._remembers and len(listing.deals) > 2 * self._remembers:
            listing.forgotten += len(listing.deals) - self._remembers
            del listing.deals[: -self._remembers]
        return deal

    def deals(self, symbol: str) -> list[Deal]:
        """All that ever happened, oldest first."""
        return list(self.listings[symbol].deals)

    def count(self, symbol: str) -> int:
        """How many deals there have ever been."""
        listing = self.listings[symbol]
        return listing.forgotten + len(listing.deals)

    def since(self, symbol: str, count: int) -> Sequence[Deal]:
        """The deals after the first *count* ones."""
        listing = self.listings[symbol]
        return listing.deals[max(0, count - listing.forgotten) :]

    def rest_window(self, symbol: str, *, lag_s: float = 0.0) -> Sequence[Deal]:
        """What REST still gives, oldest first, as it was *lag_s* ago."""
        deals: Sequence[Deal] = self.listings[symbol].deals
        if lag_s:
            latest = self.now_ns() - int(lag_s * NS_PER_S)
            deals = deals[: bisect_right(deals, latest, key=lambda deal: deal.time_ns)]
        return deals if self.rest_keeps is None else deals[-self.rest_keeps :]


def identities(deals: Iterable[Deal]) -> list[tuple[int, Decimal, Decimal, Taker, int]]:
    """What tells deals without ids apart: millisecond, price, quantity, taker, and how many equal ones came before."""
    seen: Counter[tuple[int, Decimal, Decimal, Taker]] = Counter()
    found = []
    for deal in deals:
        values = (deal.time_ns // NS_PER_MS, deal.price, deal.quantity, deal.taker)
        found.append((*values, seen[values]))
        seen[values] += 1
    return found
