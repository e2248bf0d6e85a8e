"""What a switch of the telemetry costs: the same flow both ways in turns, from few signals a second to saturation."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.pipeline import decisions, latency
from bench.pipeline.report import Aim, Distribution, Figure, Narrator, Section
from bench.stacks import SERVICES, Lab

COLLECTOR: Final = "otel_collector"
TRADES_PER_SECOND: Final = 1_000
COOLDOWNS_S: Final = ("0.34", "0.05", "0.001")
"""A shorter cool-down means more signals: about 20 per second, 100, and one for almost every trade."""
SETTINGS: Final = {**latency.SETTINGS, "SIMULATOR_TRADES_PER_SECOND": str(TRADES_PER_SECOND)}
LEAST: Final = Aim(">=", 0.95)
LOST: Final = "cdb_telemetry_spans_lost_total"


@dataclass(frozen=True)
class Switch:
    """A setting that has two values: the dear one and the cheap one, by what they are called."""

    title: str
    variable: str
    values: Mapping[str, str]
    aim: Aim | None = None

    @property
    def compared(self) -> str:
        return " to ".join(self.values)

    def turns(self, number: int) -> list[str]:
        """Both, the one first that was last in the round before."""
        return [*self.values][:: 1 if number % 2 else -1]


TRACING: Final = Switch("Tracing", "CDB_TRACING", {"on": "1", "off": "0"}, LEAST)
REFERENCE: Final = Switch("Reference mode", "CDB_TELEMETRY_RECORDING", {"sdk": "sdk", "fast": "fast"})


@dataclass(frozen=True)
class Flow:
    """Result of one run: rates per second, and cpu of the four services together as a share of one core."""

    trades: float
    decisions: float
    orders: Distribution
    cpu: float
    lost: float

    def as_row(self, cooldown_s: str, number: int, state: str) -> dict[str, Any]:
        return {
            "cool-down, s": cooldown_s, "round": number, "state": state,
            "trades/s": round(self.trades), "signals decided/s": round(self.decisions, 1),
            "order p50, ms": round(self.orders.p50, 2), "p95, ms": round(self.orders.p95, 2),
            "services' cpu %": round(100 * self.cpu), "spans lost": round(self.lost),
        }  # fmt: skip


def measure(lab: Lab, narrator: Narrator, switch: Switch, *, seconds: float, rounds: int, signals: int) -> Section:
    """Run each flow for *seconds* both ways, *rounds* times; the one that goes first alternates."""
    section = Section(f"{switch.title}: {switch.compared} at {TRADES_PER_SECOND:,} trades/s", SETTINGS)
    for cooldown_s in COOLDOWNS_S:
        found: dict[str, list[Flow]] = {state: [] for state in switch.values}
        for number in range(rounds):
            for state in switch.turns(number):
                flow = _flow(lab, narrator, switch, cooldown_s, state, seconds)
                found[state].append(flow)
                section.rows.append(flow.as_row(cooldown_s, number + 1, state))
        section.figures += _compared(switch, found)
    section.figures += _saturated(lab, narrator, switch, signals, rounds)
    section.notes = [
        f"ratio: {switch.compared} in the same round, the median of the rounds; the collector runs in both",
        "from a backlog: mixed signals as in Decisions, so many at once that risk and execution are never idle; "
        "the queue of spans is bounded, and what it has no room for is counted as lost",
    ]
    return section


def _flow(lab: Lab, narrator: Narrator, switch: Switch, cooldown_s: str, state: str, seconds: float) -> Flow:
    settings = {**SETTINGS, "MOMENTUM_COOLDOWN_S": cooldown_s, switch.variable: switch.values[state]}
    name = f"{switch.title.lower()} {state}, cool-down {cooldown_s} s"
    with lab.run(name, (*SERVICES, COLLECTOR), settings) as bot:
        cpu, began = bot.cpu_seconds(), time.monotonic()
        run = latency.follow(bot, narrator, seconds, what=name)
        passed = time.monotonic() - began
        used = bot.cpu_seconds()
        lost = sum(bot.counter(service, LOST) for service in SERVICES)
        share = sum(used[service] - cpu[service] for service in SERVICES) / passed
    return Flow(run.trades / seconds, run.decisions / seconds, latency.to_order(run), share, lost)


def _compared(switch: Switch, found: Mapping[str, list[Flow]]) -> list[Figure]:
    dear, cheap = (found[state] for state in switch.values)
    pairs = [*zip(dear, cheap, strict=True)]
    rate = median(flow.decisions for flow in cheap)

    def ratio(name: str, ratios: list[float], aim: Aim | None = None) -> Figure:
        return Figure.of_rounds(f"{name}, {rate:.0f} signals/s, {switch.compared}", ratios, aim)

    return [
        ratio("trades/s", [a.trades / b.trades for a, b in pairs], switch.aim),
        ratio("signals decided/s", [a.decisions / b.decisions for a, b in pairs], switch.aim),
        ratio("order p50", [a.orders.p50 / b.orders.p50 for a, b in pairs]),
        ratio("order p95", [a.orders.p95 / b.orders.p95 for a, b in pairs]),
        ratio("processor time", [a.cpu / b.cpu for a, b in pairs]),
    ]


def _saturated(lab: Lab, narrator: Narrator, switch: Switch, signals: int, rounds: int) -> list[Figure]:
    rates: dict[str, list[float]] = {state: [] for state in switch.values}
    for number in range(rounds):
        for state in switch.turns(number):
            settings = {**decisions.SETTINGS, switch.variable: switch.values[state]}
            name = f"{switch.title.lower()} {state}, from a backlog"
            with lab.run(name, ("cdb_risk", "cdb_execution", COLLECTOR), settings) as bot:
                figure = decisions.from_backlog(bot, narrator, name, signals, lambda n: ("BUY", "SELL")[n % 2])
            assert figure.value is not None
            rates[state].append(figure.value)
    ratios = [dear / cheap for dear, cheap in zip(*(rates[state] for state in switch.values), strict=True)]
    name = switch.title.lower()
    return [
        *(Figure(f"from a backlog, {name} {state}", median(rates[state]), "decisions/s") for state in switch.values),
        Figure.of_rounds(f"from a backlog, {switch.compared}", ratios),
    ]
