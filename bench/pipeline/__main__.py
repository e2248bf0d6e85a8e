"""Measure the live flow on a stack of its own: latency, throughput, durable decisions, memory.

The stack runs the same four programs with their default telemetry, on servers, a ledger and ports of its own. A running
bot is not touched, but it takes processor time from the measured one: stop it for figures that you want to compare.
docs/performance.md explains what is measured and how.

    python -m bench.pipeline [--quick] [--json] [--only PART] [--set NAME=VALUE]
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import psutil
import psycopg2
import redis

from bench import machines
from bench.pipeline import bare, decisions, latency, old_ledger, outage, readers, switched, throughput
from bench.pipeline.report import Aim, Figure, Narrator, Section, show
from bench.pipeline.throughput import Pressure
from bench.stacks import SERVICES, Lab
from cdb.running.native import StackError
from services.errors import ServerAway

MEMORY_AIM: Final = Aim("<", 120)
SECTIONS: Final = (
    *("latency", "bare", "throughput", "decisions", "ledger", "outage", "tracing", "reference", "readers", "memory"),
)
BUSY: Final = 0.25
_FAILURES: Final = (StackError, redis.RedisError, psycopg2.Error, ServerAway, psutil.Error)


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    seconds: float = 60.0
    precision: float = 0.1
    backlog: int = 100_000
    signals: int = 20_000
    one_by_one: int = 1_000
    rows: int = 10_000_000
    rounds: int = 3


QUICK: Final = Plan(seconds=15.0, precision=0.25, backlog=20_000, signals=4_000, one_by_one=200, rows=500_000, rounds=1)


def main() -> None:
    """Measure and print."""
    options = _options()
    narrator = Narrator()
    plan = QUICK if options.quick else Plan()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("bench.pipeline: told to stop"))
    try:
        with Lab(dict(options.set)) as lab:
            narrator.say("the servers are ready; looking at the machine")
            machine = machines.describe(lab)
            if machine["load of one minute"] > BUSY * (os.cpu_count() or 1):
                narrator.say(f"the machine is busy (load {machine['load of one minute']}): do not trust these figures")
            sections = _measured(lab, narrator, plan, options.only)
    except _FAILURES as error:
        sys.exit(f"bench.pipeline: {error}")
    except KeyboardInterrupt:
        sys.exit("bench.pipeline: interrupted; its stack has been removed")
    if options.json:
        found = {"machine": machine, "quick": options.quick, "sections": [section.as_dict() for section in sections]}
        print(json.dumps(found, indent=1, default=str))
    else:
        show(sections, machine)
    if any(section.failure for section in sections):
        sys.exit(1)


def _measured(lab: Lab, narrator: Narrator, plan: Plan, only: str | None) -> list[Section]:
    pressure = Pressure(plan.seconds, plan.precision, plan.backlog)

    def both_ways(switch: switched.Switch) -> Section:
        return switched.measure(
            lab, narrator, switch, seconds=plan.seconds / 2, rounds=plan.rounds, signals=plan.signals
        )

    ways: Mapping[str, Callable[[], Section]] = {
        "latency": lambda: latency.measure(lab, narrator, seconds=plan.seconds),
        "bare": lambda: bare.measure(lab, narrator, seconds=plan.seconds / 3, rounds=plan.rounds + 2),
        "throughput": lambda: throughput.measure(lab, narrator, pressure),
        "decisions": lambda: decisions.measure(lab, narrator, signals=plan.signals, count=plan.one_by_one),
        "ledger": lambda: old_ledger.measure(lab, narrator, rows=plan.rows, count=plan.one_by_one),
        "outage": lambda: outage.measure(lab, narrator, seconds=plan.seconds / 2, rounds=plan.rounds),
        "tracing": lambda: both_ways(switched.TRACING),
        "reference": lambda: both_ways(switched.REFERENCE),
        # Many short turns: a page's cost is a tenth of what an order's p95 wanders within minutes.
        "readers": lambda: readers.measure(lab, narrator, seconds=plan.seconds / 3, rounds=5 * plan.rounds),
    }
    sections = [_attempted(name, way, narrator) for name, way in ways.items() if only in (None, name)]
    if not sections:
        with lab.run("the defaults", SERVICES, {}):
            narrator.spend(plan.seconds, f"memory: the defaults for {plan.seconds:g} s")
    for section in sections:
        section.settings = {**section.settings, **lab.extra}
    return [*sections, _memory(lab)]


def _attempted(name: str, way: Callable[[], Section], narrator: Narrator) -> Section:
    """Measure one section. A failure becomes its result, so that the others still run."""
    try:
        return way()
    except _FAILURES as error:
        narrator.say(f"{name} failed: {error}")
        return Section(name.capitalize(), {}, failure=str(error))


def _memory(lab: Lab) -> Section:
    """Largest resident memory of each service at the end of any run."""
    section = Section("Memory: resident at the end of the runs above", dict(lab.extra))
    for service in SERVICES:
        sizes = [memory for memory in lab.memory if memory.service == service]
        largest = max(sizes, key=lambda memory: memory.megabytes, default=None)
        if largest is not None:
            least = min(memory.megabytes for memory in sizes)
            detail = f"after: {largest.run}; least of {len(sizes)} runs: {least:.0f} MB"
            section.figures.append(Figure(service, largest.megabytes, "MB", MEMORY_AIM, detail))
    return section


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="15 s per run instead of 60, coarser steps")
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    parser.add_argument("--only", choices=SECTIONS, help="measure one part")
    parser.add_argument(
        "--set", action="append", default=[], type=_setting, metavar="NAME=VALUE",
        help="a setting of the services for all runs, such as CDB_OTLP_ENDPOINT=http://127.0.0.1:4317",
    )  # fmt: skip
    return parser.parse_args()


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or name != name.upper():
        raise argparse.ArgumentTypeError(f"{text!r}: NAME=VALUE is expected, as in CDB_LOG_LEVEL=WARNING")
    return name, value


if __name__ == "__main__":
    main()
