"""How many trades per second the bot handles without falling behind, and which service falls behind first."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import mean
from typing import Any, Final

from bench.pipeline.report import Aim, Figure, Narrator, Section
from bench.stacks import SERVERS, SERVICES, Backlog, Bot, Lab, wait_until
from services.bus.entries import Outgoing
from services.clock import NANOSECONDS
from services.messages import MarketData, decode
from services.settings import DEFAULT_SYMBOLS
from services.topology import MARKET_DATA
from services.ws.simulated_market import Market, MarketSettings
from tests.support.simulated_demo import message_of

MOST_BEHIND_S: Final = 0.5
MOST_GROWTH_S: Final = 0.1
LEAST_SHARE: Final = 0.98
FIRST_RATE: Final = 1_000
HIGHEST_RATE: Final = 60_000
WARM_UP_S: Final = 2.0
READERS: Final = ("cdb_core", "cdb_risk")
_DRAIN_S: Final = 120.0
_CHUNK: Final = 1_000


@dataclass(frozen=True)
class Pressure:
    """Seconds per step, precision of the limit (a share), trades in a backlog."""

    seconds: float
    precision: float
    backlog: int


@dataclass
class Step:
    """Result at one rate. *behind*: by part, the seconds that it was behind at each look."""

    rate: int
    seconds: float
    published: float = 0.0
    dropped: float = 0.0
    trimmed: float = 0.0
    behind: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    def holds(self, part: str) -> bool:
        """Whether *part* kept up: little behind at the end, no more than midway, and nothing lost."""
        looks = self.behind.get(part, [])
        middle, end = looks[len(looks) // 2 : -len(looks) // 4], looks[-len(looks) // 4 :]
        calm = bool(middle) and max(end) < MOST_BEHIND_S and mean(end) - mean(middle) < MOST_GROWTH_S
        if part == "cdb_ws":
            chance = 4 * (self.rate / self.seconds) ** 0.5  # arrivals are random: four standard deviations
            return calm and not self.dropped and self.published >= LEAST_SHARE * self.rate - chance
        return calm and not (part == "cdb_core" and self.trimmed)

    def failed(self) -> list[str]:
        """Parts that did not keep up."""
        return [part for part in self.behind if not self.holds(part)]

    def _share(self, part: str) -> float | None:
        return round(100 * self.cpu[part]) if part in self.cpu else None

    def as_row(self) -> dict[str, Any]:
        looks = {part: self.behind[part][-1] for part in ("cdb_ws", *READERS) if self.behind.get(part)}
        return {
            "trades/s": self.rate,
            "published/s": self.published,
            "dropped": self.dropped,
            "trimmed": self.trimmed,
            **{f"{_short(part)} behind, s": looks.get(part) for part in ("cdb_ws", *READERS)},
            "gave in": ", ".join(map(_short, self.failed())) or "nobody",
            **{f"{_short(part)} cpu %": self._share(part) for part in (*SERVICES, *SERVERS, "bench")},
        }


def measure(lab: Lab, narrator: Narrator, pressure: Pressure) -> Section:
    """Raise the rate until a service falls behind: all four services, then ws and core alone. Then drain backlogs."""
    section = Section("Throughput: trades a second held", {"SIMULATOR_TRADES_PER_SECOND": "the rate of each step"})
    whole = Ladder(lab, narrator, pressure, SERVICES)
    of_core, of_all = whole.highest(("cdb_ws", "cdb_core")), whole.highest(("cdb_ws", *READERS))
    alone = Ladder(lab, narrator, pressure, ("cdb_ws", "cdb_core"))
    of_core_alone = alone.highest(("cdb_ws", "cdb_core"), start=of_core)
    how = f"for {pressure.seconds:g} s each; to within {100 * pressure.precision:.0f} %"
    section.figures = [
        Figure("held by ws and core, all four running", of_core, "trades/s", Aim(">=", 10_000), how),
        Figure("held by ws, core and risk", of_all, "trades/s", None, f"{how}; first to give in: {whole.weakest()}"),
        Figure("held by ws and core alone", of_core_alone, "trades/s", Aim(">=", 10_000), "risk, execution stopped"),
        *(_drained(lab, narrator, service, pressure.backlog) for service in READERS),
    ]
    section.rows = [step.as_row() for ladder in (whole, alone) for step in ladder.in_order()]
    section.notes = [
        f"held: ws published at least {LEAST_SHARE:.0%} of what was due (less 4 standard deviations of its random "
        f"arrivals), dropped nothing, nothing was trimmed unread, and at the end each was less than {MOST_BEHIND_S} s "
        f"behind, at most {MOST_GROWTH_S} s more than midway",
        "ws is behind by how late its newest trade was published, a reader by how old its oldest unfinished entry is",
        "cpu is a share of one core; ws includes the simulator, which makes trades up; bench is this program itself",
    ]
    return section


class Ladder:
    """Tries rates with one set of services, every rate only once."""

    def __init__(self, lab: Lab, narrator: Narrator, pressure: Pressure, services: Sequence[str]) -> None:
        self._lab = lab
        self._narrator = narrator
        self._pressure = pressure
        self._services = services
        self._steps: dict[int, Step] = {}

    def highest(self, parts: Sequence[str], *, start: int = FIRST_RATE) -> int:
        """Highest rate at which all of *parts* keep up, searched from *start* on; 0 if there is none."""
        good, bad = 0, None
        rate = max(start, FIRST_RATE)
        while rate <= HIGHEST_RATE and (bad is None or bad - good > max(100, self._pressure.precision * bad)):
            step = self._step(rate)
            if all(step.holds(part) for part in parts):
                good = rate
            else:
                bad = rate
            rate = _rounded(1.6 * good if bad is None else (good + bad) / 2)
        return good

    def weakest(self) -> str:
        """Services that fell behind at the lowest rate that was too high."""
        return next((", ".join(step.failed()) for step in self.in_order() if step.failed()), "nobody")

    def in_order(self) -> list[Step]:
        """Steps tried, lowest rate first."""
        return [self._steps[rate] for rate in sorted(self._steps)]

    def _step(self, rate: int) -> Step:
        if rate not in self._steps:
            settings = {"SIMULATOR_TRADES_PER_SECOND": str(rate)}
            with self._lab.run(f"{rate} trades/s", self._services, settings) as bot:
                readers = [reader for reader in READERS if reader in self._services]
                self._steps[rate] = _observe(bot, self._narrator, rate, self._pressure.seconds, readers)
            gave_in = ", ".join(self._steps[rate].failed())
            self._narrator.say(f"  {rate:,} trades/s: " + (f"too much for {gave_in}" if gave_in else "held"))
        return self._steps[rate]


def _observe(bot: Bot, narrator: Narrator, rate: int, seconds: float, readers: Sequence[str]) -> Step:
    step = Step(rate, seconds)
    _begin_level(bot, readers)
    narrator.spend(WARM_UP_S, f"throughput: {rate:,} trades/s for {seconds:g} s, {len(bot.stack.config.parts)} parts")
    counted = _counted(bot)
    cpu, began = bot.cpu_seconds(), time.monotonic()
    published = bot.feed()["published"]

    def look() -> None:
        step.behind.setdefault("cdb_ws", []).append(_ws_behind(bot))
        for reader in readers:
            step.behind.setdefault(reader, []).append(bot.backlog(MARKET_DATA, reader).seconds)

    narrator.spend(seconds, f"throughput: {rate:,} trades/s, measuring", look)
    passed = time.monotonic() - began
    step.published = (bot.feed()["published"] - published) / passed
    step.cpu = {name: (used - cpu.get(name, 0.0)) / passed for name, used in bot.cpu_seconds().items()}
    step.dropped, step.trimmed = (now - before for now, before in zip(_counted(bot), counted, strict=True))
    return step


def _begin_level(bot: Bot, readers: Sequence[str]) -> None:
    """Stop the market until the services have read what arrived during their start, then start it again."""
    bot.ask("cdb_ws", "/test/scenario?kind=stall&seconds=600", post=True)
    stalled = time.monotonic()
    wait_until(
        lambda: all(bot.backlog(MARKET_DATA, reader) == Backlog(0.0, 0) for reader in readers),
        within_s=_DRAIN_S,
        what="the market's first trades read",
    )
    wait_until(lambda: time.monotonic() - stalled > 1.5, within_s=5, what="a gap that the source leaves out")
    bot.ask("cdb_ws", "/test/scenario?kind=stall&seconds=0.1", post=True)


def _ws_behind(bot: Bot) -> float:
    newest = bot.bus.newest(MARKET_DATA, count=1)
    if not newest:
        return 0.0
    seconds, microseconds = bot.redis.time()
    trade = _decoded(newest[0].data or b"")
    published_ms = int(newest[0].id.partition("-")[0])
    # If ws keeps up, its newest trade was published at once; if it publishes nothing, the newest entry grows old.
    silent_s = float(seconds + microseconds / 1e6) - published_ms / 1000
    return max(published_ms / 1000 - trade.ts_event / 1e9, silent_s)


def _decoded(data: bytes) -> MarketData:
    trade = decode(MARKET_DATA, data)
    assert isinstance(trade, MarketData)
    return trade


def _counted(bot: Bot) -> tuple[float, float]:
    return (
        bot.counter("cdb_ws", "cdb_market_data_dropped_total"),
        bot.counter("cdb_core", "cdb_market_data_trimmed_total"),
    )


def _drained(lab: Lab, narrator: Narrator, service: str, trades: int) -> Figure:
    """Measure how fast *service* alone works off a backlog."""
    name = f"{service} alone, working off a backlog"
    aim = Aim(">=", 10_000) if service == "cdb_core" else None
    with lab.run(name, (service,), {}) as bot:
        bot.stack.stop_part(service)
        bot.redis.flushall()
        feed = _made_up(trades)
        while chunk := list(islice(feed, _CHUNK)):
            bot.bus.publish(Outgoing(MARKET_DATA, trade) for trade in chunk)
        seen: list[tuple[float, int]] = []

        def done() -> int:
            count = _acknowledged(bot, service)
            if count and (not seen or count > seen[-1][1]):
                seen.append((time.monotonic(), count))
            return count

        bot.stack.start_part(service)
        finished = narrator.follow(f"throughput: {name}", trades, done, stuck_after_s=30, every_s=0.1)
    if not finished or len(seen) < 3:
        return Figure(name, None, "trades/s", aim, f"{seen[-1][1] if seen else 0:,} of {trades:,} in {len(seen)} looks")
    (first_s, first), (last_s, last) = seen[0], seen[-1]
    return Figure(name, (last - first) / (last_s - first_s), "trades/s", aim, f"{trades:,} trades in batches of 500")


def _acknowledged(bot: Bot, group: str) -> int:
    rows: list[Mapping[str, Any]] = bot.redis.xinfo_groups(MARKET_DATA)
    return next(((row.get("entries-read") or 0) - row["pending"] for row in rows if row["name"] == group.encode()), 0)


def _made_up(count: int) -> Iterator[MarketData]:
    rate = 10_000
    market = Market(DEFAULT_SYMBOLS, MarketSettings(trades_per_second=rate), seed=1)
    start_ns = time.time_ns() - 2 * count * NANOSECONDS // rate  # all in the past: the future would be refused
    for number in range(1, count + 1):
        yield message_of(market.next_trade(trade_id=number, start_ns=start_ns))


def _short(part: str) -> str:
    return part.removeprefix("cdb_")


def _rounded(rate: float) -> int:
    return max(100, round(rate / 100) * 100)
