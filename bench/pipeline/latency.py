"""From a trade's arrival in ws to its committed order and fill, at a steady rate of trades and signals."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.pipeline.report import Aim, Distribution, Figure, Narrator, Section
from bench.stacks import SERVICES, Bot, Lab, wait_until
from services.messages import MarketData, decode
from services.topology import MARKET_DATA

TRADES_PER_SECOND: Final = 200
SIGNALS_PER_SECOND: Final = 20
WARM_UP_S: Final = 5.0
NOISE: Final = 1.1
"""Ratio by which the same differs from round to round; only more counts as slower."""
UNCHANGED: Final[Mapping[str, Aim | None]] = {"p50": Aim("<", NOISE), "p95": Aim("<", NOISE)}
SETTINGS: Final = {
    "SIMULATOR_TRADES_PER_SECOND": str(TRADES_PER_SECOND),
    "SIMULATOR_PACE": "1",
    # A threshold within the noise of prices: each symbol gives a signal almost as soon as its cool-down is over.
    "MOMENTUM_THRESHOLD_PCT": "0.0001",
    "MOMENTUM_COOLDOWN_S": "0.34",
    # Small orders and no limit on their rate: each BUY is approved, and each SELL if something is held.
    "ORDER_SIZE_PCT": "0.001",
    "MAX_ORDERS_PER_MINUTE": "1000000",
    "STOP_LOSS_PCT": "0.9",
}
_PAGE: Final = 5_000
_ROWS: Final = """
SELECT s.symbol, s.trade_id, d.verdict, extract(epoch FROM s.ts_init) * 1e9, extract(epoch FROM d.decided_at) * 1e9,
    extract(epoch FROM pg_xact_commit_timestamp(d.xmin)) * 1e9,
    extract(epoch FROM f.filled_at) * 1e9, extract(epoch FROM pg_xact_commit_timestamp(f.xmin)) * 1e9
FROM decisions d JOIN signals s USING (signal_id)
LEFT JOIN orders o USING (signal_id) LEFT JOIN fills f USING (order_id)
"""
_FLUSHES: Final = "SELECT wal_sync, wal_sync_time FROM pg_stat_wal"


@dataclass(frozen=True)
class Journey:
    """Times at which one approved signal passed each point, in nanoseconds since 1970."""

    happened: int
    arrived: int
    signal: int | None
    decided: int | None
    order_committed: int | None
    filled: int | None
    fill_committed: int | None


@dataclass(frozen=True)
class Run:
    """The approved signals of one run, and the mean time of a PostgreSQL flush in it."""

    journeys: list[Journey]
    trades: int
    decisions: int
    flush_ms: float


def measure(lab: Lab, narrator: Narrator, *, seconds: float) -> Section:
    """Run the whole bot for *seconds* and follow every approved signal from its trade to its fill."""
    section = Section("Latency: from a trade's arrival in ws", SETTINGS)
    with lab.run("latency", SERVICES, SETTINGS) as bot:
        run = follow(bot, narrator, seconds)
    section.figures = _figures(run, seconds)
    section.distributions = _stages(run.journeys)
    section.notes = [
        "an order is written in one transaction with its decision, whose row nobody updates: its commit is the order's",
        "arrival is ts_init of the market_data message; commits are PostgreSQL's own times "
        "(pg_xact_commit_timestamp), taken just before it flushes its log",
        f"so the figures, but not the stages, contain {run.flush_ms:.2f} ms: a flush's mean in this run (pg_stat_wal)",
        "stop losses are left out; each is an order without a signal",
    ]
    return section


def follow(bot: Bot, narrator: Narrator, seconds: float, *, what: str = "latency") -> Run:
    """Start the market, follow every signal of *seconds* after a warm-up, and stop the market."""
    bot.ask("cdb_ws", "/test/scenario?kind=stall&seconds=0.1", post=True)
    narrator.spend(WARM_UP_S, f"{what}: warming up for {WARM_UP_S:g} s")
    flushes, flush_ms = bot.query(_FLUSHES)[0]
    began = time.time_ns()
    narrator.spend(seconds, f"{what}: measuring for {seconds:g} s")
    ended = time.time_ns()
    bot.ask("cdb_ws", "/test/scenario?kind=stall&seconds=600", post=True)
    wait_until(
        lambda: bot.query("SELECT count(*) FROM orders WHERE state = 'placed'") == [(0,)],
        within_s=10,
        what="all orders filled after the run",
    )
    more_flushes, more_ms = bot.query(_FLUSHES)[0]
    trades = {
        (trade.symbol, trade.trade_id): (trade.ts_event, trade.ts_init)
        for trade in _trades(bot)
        if began <= trade.ts_init < ended
    }
    rows = [row for row in bot.query(_ROWS) if (row[0], row[1]) in trades]
    journeys = [
        Journey(*trades[symbol, trade_id], *(None if at is None else int(at) for at in times))
        for symbol, trade_id, verdict, *times in rows
        if verdict == "approved"
    ]
    mean = float(more_ms - flush_ms) / max(1, more_flushes - flushes)
    return Run(journeys, len(trades), len(rows), mean)


def _trades(bot: Bot) -> Iterator[MarketData]:
    after = "-"
    while page := bot.redis.xrange(MARKET_DATA, min=after, count=_PAGE):
        for _, fields in page:
            trade = decode(MARKET_DATA, fields[b"data"])
            if isinstance(trade, MarketData):
                yield trade
        after = "(" + page[-1][0].decode()


def to_order(run: Run) -> Distribution:
    """Time from a trade's arrival in ws to its committed order."""
    return Distribution.of("", _between(run, lambda j: j.arrived, lambda j: j.order_committed, run.flush_ms))


def compared(
    name: str, there: Sequence[Distribution], here: Sequence[Distribution], aims: Mapping[str, Aim | None] = UNCHANGED
) -> list[Figure]:
    """How much longer orders took *there* than *here*, each pair in one round; *aims* by percentile."""
    pairs = list(zip(there, here, strict=True))
    return [
        Figure.of_rounds(
            f"{name}, {percentile}",
            [getattr(a, percentile) / getattr(b, percentile) for a, b in pairs],
            aim,
        )
        for percentile, aim in aims.items()
    ]


def _figures(run: Run, seconds: float) -> list[Figure]:
    order = to_order(run)
    fill = Distribution.of("", _between(run, lambda j: j.arrived, lambda j: j.fill_committed, run.flush_ms))
    of_orders, of_fills = (f"{found.samples:,} samples" for found in (order, fill))
    return [
        Figure("trade to committed order, p50", order.p50, "ms", Aim("<", 2.5), of_orders),
        Figure("trade to committed order, p95", order.p95, "ms", Aim("<", 7), of_orders),
        Figure("trade to committed order, p99", order.p99, "ms", None, of_orders),
        Figure("trade to committed fill, p50", fill.p50, "ms", Aim("<", 5), of_fills),
        Figure("trade to committed fill, p95", fill.p95, "ms", None, of_fills),
        Figure("trade to committed fill, p99", fill.p99, "ms", None, of_fills),
        Figure("trades", run.trades / seconds, "1/s", None, f"wanted: {TRADES_PER_SECOND}"),
        Figure("signals decided", run.decisions / seconds, "1/s", None, f"wanted: about {SIGNALS_PER_SECOND}"),
        Figure("orders", len(run.journeys) / seconds, "1/s", None, "signals that were approved"),
    ]


def _stages(journeys: list[Journey]) -> list[Distribution]:
    run = Run(journeys, 0, 0, 0.0)
    stages: dict[str, tuple[Callable[[Journey], int | None], Callable[[Journey], int | None]]] = {
        "it happened (simulated) ... ws built its message": (lambda j: j.happened, lambda j: j.arrived),
        "ws built its message ... core built the signal": (lambda j: j.arrived, lambda j: j.signal),
        "core built the signal ... risk decided": (lambda j: j.signal, lambda j: j.decided),
        "risk decided ... order committed": (lambda j: j.decided, lambda j: j.order_committed),
        "order committed ... venue filled": (lambda j: j.order_committed, lambda j: j.filled),
        "venue filled ... fill committed": (lambda j: j.filled, lambda j: j.fill_committed),
    }
    return [Distribution.of(name, _between(run, *points, 0.0)) for name, points in stages.items()]


def _between(
    run: Run, start: Callable[[Journey], int | None], end: Callable[[Journey], int | None], plus_ms: float
) -> list[float]:
    found = [(start(journey), end(journey)) for journey in run.journeys]
    return [(b - a) / 1e6 + plus_ms for a, b in found if a is not None and b is not None]
