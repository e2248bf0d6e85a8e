"""The simulated market as a source: trades in real time from a seed."""

import secrets
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final

from msgspec.structs import replace
from pydantic import Field

from services.clock import NANOSECONDS
from services.messages import MarketData
from services.settings import Settings
from services.ws.simulated_market import Market, MarketSettings
from services.ws.sources.port import Source
from services.ws.trades import RawTrade, Refusal

MOST_AT_ONCE: Final = 500
LONGEST_WAIT_S: Final = 0.5
TOO_FAR_BEHIND_NS: Final = NANOSECONDS


class SimulatorSettings(Settings):
    """Which market, and how fast."""

    seed: int | None = Field(
        default=None, validation_alias="SIMULATOR_SEED", description="empty: other price moves at every start"
    )
    trades_per_second: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] = Field(
        default=20.0, validation_alias="SIMULATOR_TRADES_PER_SECOND"
    )
    pace: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = Field(
        default=1.0, validation_alias="SIMULATOR_PACE", description="how many times faster than usual prices swing"
    )


class SimulatedSource(Source):
    """Its seconds pass *pace* times as fast as real ones. Trade ids begin at the start's microsecond.

    Without a seed each start has price moves of its own, or two restarts would be the same luck three times.
    """

    name = "simulated"
    may_lose = True
    settings = SimulatorSettings

    def __init__(self, settings: SimulatorSettings, symbols: tuple[str, ...]) -> None:
        self._pace = settings.pace
        self._lock = threading.Lock()
        market = MarketSettings(trades_per_second=settings.trades_per_second / settings.pace)
        seed = secrets.randbits(32) if settings.seed is None else settings.seed
        self._market = Market(symbols, market, seed=seed)
        self._start_ns = self._now_ns = time.time_ns()
        self._next_id = self._start_ns // 1000
        self._upcoming: RawTrade | None = None
        self._stalled_until = 0.0
        self._newest: Mapping[str, Decimal] = {}

    def start_from(self, recent: Sequence[MarketData]) -> None:
        """Go on from the newest prices, so that a restart is no jump."""
        with self._lock:
            self._newest = {trade.symbol: trade.price for trade in recent}
            self._market.start_from(self._newest)

    def also(self, symbols: Collection[str]) -> None:
        """Let *symbols* join the market, at the prices that the bus has seen last."""
        with self._lock:
            self._market.add(symbols)
            self._market.start_from({name: price for name, price in self._newest.items() if name in symbols})

    def shock(self, symbol: str, share: float) -> None:
        """Move one symbol's price at once, and for good."""
        with self._lock:
            self._market.shock(symbol, share)

    def stall(self, seconds: float) -> None:
        """Give no trade for *seconds*, as an exchange that has gone quiet."""
        self._stalled_until = time.monotonic() + seconds

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Wait for the next trade and get all that are due."""
        stalled_s = self._stalled_until - time.monotonic()
        if stalled_s > 0:
            stop.wait(min(stalled_s, LONGEST_WAIT_S))
            return []
        with self._lock:
            now_ns = self._follow_clock()
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

    def _follow_clock(self) -> int:
        """What time it is. After a stall, or if the clock was set, the market goes on from now where it stood."""
        before_ns, self._now_ns = self._now_ns, time.time_ns()
        behind_ns = self._now_ns - self._start_ns - int(self._market.now_s * NANOSECONDS / self._pace)
        if self._now_ns < before_ns:
            self._move(self._now_ns - before_ns)
        elif behind_ns > TOO_FAR_BEHIND_NS:
            self._move(behind_ns)
        return self._now_ns

    def _move(self, by_ns: int) -> None:
        """Let everything happen that much later; negative: earlier."""
        self._start_ns += by_ns
        if self._upcoming is not None:
            self._upcoming = replace(self._upcoming, ts_event=self._upcoming.ts_event + by_ns)


SOURCE: Final[type[Source]] = SimulatedSource
