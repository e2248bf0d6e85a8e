"""One symbol's trades from several connections and from REST: each once, in order, the late ones marked.

A trade without an id is told apart by its time, price, quantity, side and how many equal ones the same teller (one
connection, or one answer of REST) has told before it in a row. What two tellers tell is one trade; what one tells twice
is two. A trade older than all that is remembered was told already, unless it falls into a gap that nothing has filled.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from services.messages import MarketData
from services.ws.exchange.protocol import Deal

REMEMBERED: Final = 4_000
"""Trades of a symbol that are told apart: four times what the longest answer of REST has."""
GAPS_KEPT: Final = 50
_MS: Final = 1_000_000
_ORDER_BITS: Final = 20


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A trade that nobody had told before. *late*: a later one was taken already. *live*: a connection told it."""

    deal: Deal
    trade_id: int
    late: bool
    live: bool


def position(deal: Deal) -> int:
    """What rises with every trade of a symbol, or stays the same within an instant: its id, else its time."""
    return deal.time_ns if deal.id is None else deal.id


class Gap(msgspec.Struct, eq=False):
    """Trades may be missing after *after* and before *before*, which is None until a connection tells a trade again.

    *given_up*: nobody has them any more, or there are none.
    """

    after: Deal | None
    before: Deal | None = None
    given_up: bool = False

    def has(self, deal: Deal) -> bool:
        """Whether *deal* may be one of those that are missing."""
        begins = self.after is None or position(self.after) < position(deal)
        return begins and (self.before is None or position(deal) < position(self.before))

    def begins_in(self, answer: Sequence[Deal]) -> bool:
        """Whether *answer*, which has every trade from its first to its last, goes back to where this begins."""
        if self.after is None:
            return True
        if not answer:
            return self.after.id is not None
        return position(answer[0]) <= position(self.after) + (self.after.id is not None)

    def ends_in(self, answer: Sequence[Deal]) -> bool:
        """Whether *answer* goes on to where this ends."""
        if self.before is None or not answer:
            return False
        return position(answer[-1]) >= position(self.before) - (self.before.id is not None)

    def seconds(self) -> float:
        """How long it is; 0 if it has no bound yet, or ids rise from one to the other and times do not."""
        if self.after is None or self.before is None:
            return 0.0
        return max(0, self.before.time_ns - self.after.time_ns) / 1e9


class _Instant:
    """The trades of one position: how many of each identity, and how many together."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts: dict[object, int] = {}
        self.total = 0


class Teller:
    """One connection's account of one symbol (*live*), or one answer of REST."""

    def __init__(self, *, live: bool) -> None:
        self.live: Final = live
        self._position = -1
        self._counts: dict[object, int] = {}

    def tells(self, deal: Deal, identity: object) -> int:
        """Count *deal*: 1 for the first of its identity in a row of trades at one position."""
        if deal.id is not None:
            return 1
        if deal.time_ns != self._position:
            self._position = deal.time_ns
            self._counts = {}
        count = self._counts[identity] = self._counts.get(identity, 0) + 1
        return count


class Merger:
    """What has been taken of one symbol. Until REST has told of the time before, everything older is new, too."""

    def __init__(self) -> None:
        self.newest: Deal | None = None
        self.duplicates = 0
        self.gaps: list[Gap] = [Gap(None)]
        self._instants: OrderedDict[int, _Instant] = OrderedDict()
        self._remembered = 0
        self._forgotten = -1

    def remember(self, deals: Iterable[Deal]) -> None:
        """Take notice of what was taken before this began, in order; what is older than that is no news."""
        for deal in deals:
            if self.newest is None:
                self._forgotten = position(deal) - 1
                self.gaps.clear()
            self._note(deal, deal.identity(), self._instants.get(position(deal)), live=True)
        self.open_gap()

    def take(self, told: Iterable[tuple[Deal, Teller]]) -> Iterator[Taken]:
        """Those of *told* that are new."""
        for deal, teller in told:
            identity = deal.identity()
            count = teller.tells(deal, identity)
            instant = self._instants.get(position(deal))
            if instant is None:
                is_new = position(deal) > self._forgotten or any(gap.has(deal) for gap in self.gaps)
            else:
                is_new = count > instant.counts.get(identity, 0)
            if teller.live:
                self._went_on(deal)
            if is_new:
                yield self._note(deal, identity, instant, live=teller.live)
            elif teller.live:
                self.duplicates += 1

    def open_gap(self) -> None:
        """From the newest trade on, some may be missing."""
        if self.newest is not None and all(gap.before is not None for gap in self.gaps):
            self.gaps.append(Gap(self.newest))
            del self.gaps[:-GAPS_KEPT]

    def gap(self) -> Gap | None:
        """The earliest gap that REST should be asked about."""
        return next((gap for gap in self.gaps if not gap.given_up), None)

    def fill(self, answer: Sequence[Deal], *, quiet: bool = False) -> tuple[list[Gap], list[Gap]]:
        """Take notice of an *answer*, taken already, that has every trade from its first to its last.

        *quiet*: no connection has told a trade since, and it is believed that there was none. Gives the gaps that this
        has filled, and those that it shows to be lost.
        """
        filled: list[Gap] = []
        lost: list[Gap] = []
        for gap in [gap for gap in self.gaps if not gap.given_up]:
            if not gap.begins_in(answer) and answer:
                gap.before = min((gap.before or answer[0], answer[0]), key=position)
                gap.given_up = True
                lost.append(gap)
            elif gap.ends_in(answer) or (quiet and gap.before is None):
                self.gaps.remove(gap)
                filled.append(gap)
            elif answer:
                gap.after = answer[-1]
        if answer and self._forgotten < 0:
            self._forgotten = position(answer[0]) - 1
        return filled, lost

    def _note(self, deal: Deal, identity: object, instant: _Instant | None, *, live: bool) -> Taken:
        newest = self.newest
        late = newest is not None and position(deal) < position(newest)
        if instant is None:
            instant = self._instants[position(deal)] = _Instant()
        trade_id = (deal.time_ns // _MS << _ORDER_BITS) | instant.total if deal.id is None else deal.id
        instant.counts[identity] = instant.counts.get(identity, 0) + 1
        instant.total += 1
        self._remembered += 1
        if not late:
            if newest is not None and deal.id is not None and newest.id is not None and deal.id > newest.id + 1:
                self._note_hole(deal)
            self.newest = deal
        while self._remembered > REMEMBERED and len(self._instants) > 1:
            where, forgotten = self._instants.popitem(last=False)
            self._remembered -= forgotten.total
            self._forgotten = max(self._forgotten, where)
        return Taken(deal, trade_id, late, live)

    def _note_hole(self, deal: Deal) -> None:
        """Ids rise by one, so some are missing before *deal*."""
        if not self.gaps or self.gaps[-1].before is not deal:
            self.open_gap()
            self._went_on(deal)

    def _went_on(self, deal: Deal) -> None:
        """The newest gap ends where the feed goes on."""
        if self.gaps and self.gaps[-1].before is None and self.gaps[-1].has(deal):
            self.gaps[-1].before = deal


def as_told(trade: MarketData, *, has_ids: bool) -> Deal:
    """A trade of the bus as its exchange told it."""
    if has_ids:
        return Deal(trade.symbol, trade.ts_event, trade.price, trade.quantity, trade.side, trade.trade_id)
    told_ns = (trade.trade_id >> _ORDER_BITS) * _MS
    return Deal(trade.symbol, told_ns, trade.price, trade.quantity, trade.side)
