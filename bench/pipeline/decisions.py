"""How many decisions per second risk commits: from a backlog, and one at a time."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bench.pipeline.report import Aim, Distribution, Figure, Narrator, Section
from bench.stacks import Bot, Lab
from cdb.running.native import StackError
from services.bus.entries import Outgoing
from services.messages import MarketData, Side, Signal, signal_id
from services.settings import DEFAULT_SYMBOLS
from services.topology import MARKET_DATA, ORDERS, SIGNALS

STRATEGY: Final = "momentum_v1"
PRICE: Final = Decimal(100)
SETTINGS: Final = {
    "MAX_SIGNAL_AGE_S": "3600",
    # So small that no position and no exposure reaches its limit, however many orders one batch approves.
    "ORDER_SIZE_PCT": "0.0002",
    "MAX_ORDERS_PER_MINUTE": "1000000",
    "STOP_LOSS_PCT": "0.9",
}
AIM: Final = Aim(">=", 1_000)
_CHUNK: Final = 500
_STUCK_S: Final = 30.0
_ORDER_WAIT_MS: Final = 10_000
_NEWEST: Final = """
SELECT max(pg_xact_commit_timestamp(xmin)), count(*), count(DISTINCT xmin::text) FROM decisions
"""


class Exchange:
    """Replaces ws and core: keeps prices fresh and makes signals based on them."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._feed = time.time_ns()
        self._trades = 0
        self._signals = 0
        self._stream_id = "0-0"

    def quote(self) -> None:
        """Publish a new trade of every symbol; the price stays the same."""
        outgoing = [Outgoing(MARKET_DATA, self._trade(symbol)) for symbol in DEFAULT_SYMBOLS]
        self._stream_id = self._bot.bus.publish(outgoing)[-1]

    def signals(self, count: int, side: Callable[[int], Side]) -> Iterator[Signal]:
        """Yield *count* signals in rounds of one per symbol; *side* maps the round to BUY or SELL."""
        for number in range(count):
            self._signals += 1
            yield self._signal(DEFAULT_SYMBOLS[number % len(DEFAULT_SYMBOLS)], side(number // len(DEFAULT_SYMBOLS)))

    def _trade(self, symbol: str) -> MarketData:
        self._trades += 1
        now_ns = time.time_ns()
        return MarketData(
            ts_event=now_ns,
            ts_init=now_ns,
            symbol=symbol,
            trade_id=self._trades,
            side="BUY",
            price=PRICE,
            quantity=Decimal(1),
            source="simulated",
            feed=self._feed,
            sequence=self._trades,
        )

    def _signal(self, symbol: str, side: Side) -> Signal:
        now_ns = time.time_ns()
        return Signal(
            ts_event=now_ns,
            ts_init=now_ns,
            signal_id=signal_id(symbol, STRATEGY, self._signals),
            symbol=symbol,
            side=side,
            strategy=STRATEGY,
            strength=Decimal("0.5"),
            price=PRICE,
            volatility=Decimal("0.0002"),
            trade_id=self._signals,
            stream_id=self._stream_id,
        )


def measure(lab: Lab, narrator: Narrator, *, signals: int, count: int) -> Section:
    """Time risk with a backlog of *signals* (all rejected, then mixed), then with *count* signals one at a time."""
    section = Section("Decisions: signals that risk alone decides durably", SETTINGS)
    with lab.run("decisions, rejected", ("cdb_risk",), SETTINGS) as bot:
        section.figures.append(from_backlog(bot, narrator, "all rejected, risk alone", signals, lambda _: "SELL"))
    with lab.run("decisions, mixed", ("cdb_risk", "cdb_execution"), SETTINGS) as bot:
        mixed = from_backlog(
            bot, narrator, "approved and rejected, execution filling", signals, lambda n: ("BUY", "SELL")[n % 2]
        )
        section.figures.append(mixed)
    with lab.run("decisions, one at a time", ("cdb_risk", "cdb_execution"), SETTINGS) as bot:
        rate, found = one_by_one(bot, narrator, Exchange(bot), count)
    section.figures.append(rate)
    section.distributions.append(found)
    section.notes = [
        "time runs from the first signal's XADD to the commit of the last decision (PostgreSQL's own time)",
        "ws and core do not run: the bench puts signals on the bus and a fresh price of every symbol twice a second",
        "approvals need a venue, or orders in flight would pile up, and with them the cost of each decision",
        "one at a time: an approved BUY is put on the bus when the order of the one before it has come off the bus",
    ]
    return section


def from_backlog(bot: Bot, narrator: Narrator, name: str, count: int, side: Callable[[int], Side]) -> Figure:
    """Put *count* signals on the bus and measure how many decisions per second are committed."""
    exchange = Exchange(bot)
    exchange.quote()
    with_price = time.monotonic()
    began = time.time()
    for chunk in _chunks(exchange.signals(count, side)):
        bot.bus.publish(Outgoing(SIGNALS, signal) for signal in chunk)
    put_s = time.time() - began

    def decided() -> int:
        nonlocal with_price
        if time.monotonic() - with_price > 0.5:
            with_price = time.monotonic()
            exchange.quote()
        return int(bot.query("SELECT count(*) FROM decisions")[0][0])

    what = f"decisions: {name}, {count:,} signals"
    if not narrator.follow(what, count, decided, stuck_after_s=_STUCK_S, every_s=0.25):
        raise StackError(f"{what}: {decided():,} decided, then none for {_STUCK_S:g} s\n{_said(bot)}")
    last, rows, commits = bot.query(_NEWEST)[0]
    took_s = _seconds(last) - began
    verdicts = bot.query("SELECT coalesce(reason, verdict), count(*) FROM decisions GROUP BY 1 ORDER BY 2 DESC")
    split = ", ".join(f"{verdict} {number:,}" for verdict, number in verdicts)
    detail = f"{split}; {rows / commits:.0f} per commit; all were on the bus after {put_s:.2f} s"
    return Figure(name, rows / took_s, "decisions/s", AIM, detail)


def one_by_one(bot: Bot, narrator: Narrator, exchange: Exchange, count: int) -> tuple[Figure, Distribution]:
    """Put each of *count* signals on the bus when the order of the one before it has come off the bus."""
    narrator.say(f"decisions: one at a time, {count:,} signals")
    newest = bot.redis.xrevrange(ORDERS, count=1)
    last_id: Any = newest[0][0] if newest else "0-0"
    took_ms = []
    began = with_price = time.perf_counter()
    exchange.quote()
    for signal in exchange.signals(count, lambda _: "BUY"):
        started = time.perf_counter()
        if started - with_price > 0.5:
            with_price = started
            exchange.quote()
        bot.bus.publish([Outgoing(SIGNALS, signal)])
        found = bot.redis.xread({ORDERS: last_id}, count=1, block=_ORDER_WAIT_MS)
        if not found:
            raise StackError(f"no order for {signal.signal_id} within {_ORDER_WAIT_MS / 1000:g} s\n{_said(bot)}")
        last_id = found[0][1][-1][0]
        took_ms.append((time.perf_counter() - started) * 1000)
    rate = count / (time.perf_counter() - began)
    detail = f"{count:,} approved, the next one only after the order of the last; execution filling"
    return (
        Figure("one at a time, approved", rate, "decisions/s", None, detail),
        Distribution.of("signal put on the bus ... its order read from it", took_ms),
    )


def _chunks(signals: Iterator[Signal]) -> Iterator[list[Signal]]:
    chunk: list[Signal] = []
    for signal in signals:
        chunk.append(signal)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _seconds(when: datetime) -> float:
    return when.timestamp()


def _said(bot: Bot) -> str:
    return "\n".join(bot.stack.log_tail("cdb_risk", 5))
