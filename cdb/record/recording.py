"""What becomes of each message of the stream: a line of the tape, or a reason why not; and what is missing."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from services.bus.entries import Entry, stream_position
from services.messages import BadMessage, MarketData
from services.ws.tape.writer import line_of


@dataclass
class Gap:
    """A time, in milliseconds of the bus's clock, in which something was or may have been missed.

    *lost* counts messages of all symbols that were on the bus and could not be read any more; *at_least* says that
    there may have been more. *away_s* is how long the bus did not answer: what a live source told it then is nowhere.
    """

    from_ms: int
    to_ms: int
    lost: int = 0
    at_least: bool = False
    away_s: float = 0.0


@dataclass
class Recording:
    """Takes the entries of the stream in their order. Times are in milliseconds of the bus's clock.

    What was published before *began_ms* is the lead-in: the strategies see it in a replay, and nobody acts on it.
    *symbols* are those that are recorded; None is all.
    """

    began_ms: int
    symbols: Collection[str] | None = None
    trades: Counter[str] = field(default_factory=Counter)
    """By symbol, without the lead-in."""
    lead_in: int = 0
    late: int = 0
    """How many of the trades their source called late."""
    unreadable: int = 0
    repeated: int = 0
    restarts: int = 0
    """How often the source began anew."""
    gaps: list[Gap] = field(default_factory=list)
    _place: tuple[int, int] | None = None
    _last_ms: int = 0
    _away_s: float = 0.0

    def was_away(self, seconds: float) -> None:
        """Take notice that the bus did not answer for so long; the next message tells what that has cost."""
        self._away_s += seconds

    def lines(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Yield the lines of the tape that *entries* give."""
        for entry in entries:
            try:
                trade = entry.read()
            except BadMessage:
                self.unreadable += 1
                continue
            if isinstance(trade, MarketData) and (line := self._line(trade, stream_position(entry.id)[0])):
                yield line

    def finish(self, now_ms: int) -> None:
        """Take notice that nothing more comes."""
        if self._away_s:
            self._note_gap(0, now_ms, at_least=True)

    def _line(self, trade: MarketData, at_ms: int) -> str:
        if not self._is_next(trade, at_ms):
            self.repeated += 1
            return ""
        if self.symbols is not None and trade.symbol not in self.symbols:
            return ""
        leads_in = at_ms < self.began_ms
        if leads_in:
            self.lead_in += 1
        else:
            self.trades[trade.symbol] += 1
            self.late += trade.late is True
        return line_of(trade, late=leads_in or trade.late is True)

    def _is_next(self, trade: MarketData, at_ms: int) -> bool:
        """Note the place of *trade* in its feed, and what is missing before it; False if it came before."""
        lost, at_least = 0, False
        if self._place is not None:
            feed, sequence = self._place
            if feed == trade.feed and trade.sequence <= sequence:
                return False
            begins_anew = feed != trade.feed
            self.restarts += begins_anew
            lost = trade.sequence - 1 - (0 if begins_anew else sequence)
            at_least = begins_anew and (lost > 0 or self._away_s > 0)
        if lost or self._away_s:
            self._note_gap(lost, at_ms, at_least=at_least)
        self._place, self._last_ms = (trade.feed, trade.sequence), at_ms
        return True

    def _note_gap(self, lost: int, to_ms: int, *, at_least: bool) -> None:
        self.gaps.append(Gap(self._last_ms or self.began_ms, to_ms, lost, at_least, self._away_s))
        self._away_s = 0.0
