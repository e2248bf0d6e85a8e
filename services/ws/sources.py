"""Where trades come from. A source waits until something is due and gives it; a new exchange is one more class here."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final, Protocol

from services.ws.market import NANOSECONDS, Market, MarketSettings
from services.ws.tape import read_tape
from services.ws.trades import RawTrade, Refusal

MOST_AT_ONCE: Final = 500
LONGEST_WAIT_S: Final = 0.5
TOO_FAR_BEHIND_S: Final = 1.0


class Source(Protocol):
    """Gives trades as they become due."""

    name: str
    may_lose: bool
    """Whether a trade that cannot be published is dropped (the market does not wait) or kept until it can."""

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Wait for what is due, at most half a second, and return it; None when there will be nothing more."""
        ...


class SimulatedSource:
    """A simulated market, *pace* of its seconds in a real one. Trade ids begin at the start's microsecond."""

    name = "simulated"
    may_lose = True

    def __init__(self, symbols: tuple[str, ...], settings: MarketSettings, *, seed: int, pace: float = 1.0) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._market = Market(symbols, settings, seed=seed)
        self._start_ns = time.time_ns()
        self._next_id = self._start_ns // 1000
        self._upcoming: RawTrade | None = None
        self._stalled_until = 0.0

    def start_from(self, prices: dict[str, Decimal]) -> None:
        """Go on from the prices that were seen last."""
        with self._lock:
            self._market.start_from(prices)

    def shock(self, symbol: str, share: float) -> None:
        """Move one symbol's price at once."""
        with self._lock:
            self._market.shock(symbol, share)

    def stall(self, seconds: float) -> None:
        """Give no trade for *seconds*, as an exchange that has gone quiet."""
        self._stalled_until = time.monotonic() + seconds

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Wait for the next trade and return all that are due."""
        stalled_s = self._stalled_until - time.monotonic()
        if stalled_s > 0:
            stop.wait(min(stalled_s, LONGEST_WAIT_S))
            return []
        now_ns = time.time_ns()
        with self._lock:
            self._catch_up(now_ns)
            due: list[RawTrade] = []
            while len(due) < MOST_AT_ONCE and (trade := self._peek()).ts_event <= now_ns:
                due.append(trade)
                self._upcoming = None
            wait_s = (self._peek().ts_event - now_ns) / NANOSECONDS
        if not due:
            stop.wait(min(max(wait_s, 0.0), LONGEST_WAIT_S))
        return due

    def _peek(self) -> RawTrade:
        if self._upcoming is None:
            trade = self._market.next_trade(trade_id=self._next_id, start_ns=self._start_ns)
            real_ns = self._start_ns + int((trade.ts_event - self._start_ns) / self._pace)
            self._upcoming = replace(trade, ts_event=real_ns)
            self._next_id += 1
        return self._upcoming

    def _catch_up(self, now_ns: int) -> None:
        """After a stall or a suspended machine, leave out what would have happened meanwhile."""
        passed_s = (now_ns - self._start_ns) / NANOSECONDS
        if passed_s - self._market.now_s / self._pace > TOO_FAR_BEHIND_S:
            self._market.skip_to(passed_s * self._pace)
            self._upcoming = None


class ReplaySource:
    """A file's trades in their order, at *speed* times their own pace, or one as soon as the last is done with."""

    name = "replay"
    may_lose = False

    def __init__(self, path: Path, *, speed: float | None) -> None:
        self._rows: Iterator[RawTrade | Refusal] = read_tape(path)
        self._speed = speed
        self._first: tuple[int, float] | None = None
        self._upcoming: RawTrade | Refusal | None = None

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Return the next row once it is due."""
        row = self._upcoming or next(self._rows, None)
        if row is None:
            return None
        self._upcoming = row
        if isinstance(row, RawTrade) and self._speed is not None:
            wait_s = self._wait_s(row, self._speed)
            if wait_s > 0:
                stop.wait(min(wait_s, LONGEST_WAIT_S))
                return []
        self._upcoming = None
        return [row]

    def _wait_s(self, trade: RawTrade, speed: float) -> float:
        now = time.monotonic()
        if self._first is None:
            self._first = (trade.ts_event, now)
        first_ns, began = self._first
        return began + (trade.ts_event - first_ns) / NANOSECONDS / speed - now
