"""Show that no decision is slower without the collector: latency while it is up, killed, and frozen, in turns.

One stack of its own trades all the time, as in bench.pipeline's latency; the collector's state changes from segment to
segment, so that whatever else the machine does hits all three. Figures are medians over the segments of a state.

    python -m bench.collector_outage [--quick] [--json]
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import psutil
import psycopg2
import redis

from bench.pipeline_latency import FLUSHES, SETTINGS, TRADES_PER_SECOND, WARM_UP_S, Followed, end_trading, follow
from bench.pipeline_report import Distribution, Figure, Narrator, Section, show
from bench.stacks import SERVICES, Bot, Lab, wait_until
from cdb.stack import StackError
from services.errors import ServerAway

COLLECTOR: Final = "otel_collector"
STATES: Final = ("up", "killed", "frozen")
FAILURES: Final = "cdb_telemetry_export_failures_total"
BUSY: Final = 0.25


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds of one segment per state."""

    rounds: int = 3
    seconds: float = 30.0


QUICK: Final = Plan(rounds=3, seconds=10.0)


@dataclass
class Segment:
    """The collector in one state for a while; times in ns since 1970, failed exports of all services together."""

    state: str
    began: int
    ended: int
    flush_ms: float
    failed_exports: float
    order: Distribution = field(init=False)
    decisions_per_s: float = 0.0

    def take(self, found: Followed) -> None:
        """Add what became of this time's trades."""
        self.order = Distribution.of(self.state, found.order_ms(self.flush_ms))
        self.decisions_per_s = found.decisions / ((self.ended - self.began) / 1e9)


def main() -> None:
    """Measure and print."""
    options = _options()
    narrator = Narrator()
    plan = QUICK if options.quick else Plan()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("bench.collector_outage: told to stop"))
    machine = _machine()
    if machine["load of one minute"] > BUSY * (os.cpu_count() or 1):
        narrator.say(f"the machine is busy (load {machine['load of one minute']}): do not trust these figures")
    try:
        with Lab() as lab, lab.run("collector outage", (*SERVICES, COLLECTOR), SETTINGS) as bot:
            segments = _measured(bot, narrator, plan)
    except (StackError, redis.RedisError, psycopg2.Error, ServerAway, psutil.Error) as error:
        sys.exit(f"bench.collector_outage: {error}")
    except KeyboardInterrupt:
        sys.exit("bench.collector_outage: interrupted; its stack has been removed")
    section = _section(segments, plan)
    if options.json:
        found = {"machine": machine, "quick": options.quick, "sections": [section.as_dict()]}
        print(json.dumps(found, indent=1, default=str))
    else:
        show([section], machine)


def _measured(bot: Bot, narrator: Narrator, plan: Plan) -> list[Segment]:
    narrator.spend(WARM_UP_S, f"warming up for {WARM_UP_S:g} s")
    segments = []
    for number in range(plan.rounds):
        turn = number % len(STATES)  # each state comes first, second and last
        for state in STATES[turn:] + STATES[:turn]:
            with COLLECTOR_IS[state](bot):
                segments.append(_segment(bot, narrator, state, plan.seconds))
    end_trading(bot)
    for segment, found in zip(segments, follow(bot, [(one.began, one.ended) for one in segments]), strict=True):
        segment.take(found)
    return segments


def _segment(bot: Bot, narrator: Narrator, state: str, seconds: float) -> Segment:
    failed = _failed_exports(bot)
    flushes, flush_ms = bot.query(FLUSHES)[0]
    began = time.time_ns()
    narrator.spend(seconds, f"the collector is {state} for {seconds:g} s")
    ended = time.time_ns()
    more_flushes, more_ms = bot.query(FLUSHES)[0]
    mean = float(more_ms - flush_ms) / max(1, more_flushes - flushes)
    return Segment(state, began, ended, mean, _failed_exports(bot) - failed)


def _failed_exports(bot: Bot) -> float:
    return sum(bot.counter(service, FAILURES) for service in SERVICES)


@contextmanager
def _up(_bot: Bot) -> Iterator[None]:
    yield


@contextmanager
def _killed(bot: Bot) -> Iterator[None]:
    """End the collector by SIGKILL, keep it down, and afterwards wait until it takes telemetry again."""
    os.kill(_pid(bot), signal.SIGKILL)
    bot.stack.stop_part(COLLECTOR)
    yield
    bot.stack.start_part(COLLECTOR)
    wait_until(
        lambda: any(part.name == COLLECTOR and part.ready for part in bot.stack.status()),
        within_s=30,
        what="the collector is ready again",
    )


@contextmanager
def _frozen(bot: Bot) -> Iterator[None]:
    """Stop the collector where it stands: connections are taken and never answered."""
    pid = _pid(bot)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


COLLECTOR_IS: Final[Mapping[str, Callable[[Bot], Any]]] = {"up": _up, "killed": _killed, "frozen": _frozen}


def _pid(bot: Bot) -> int:
    pid = bot.stack.pid_of(COLLECTOR)
    if pid is None:
        raise StackError("the collector does not run")
    return pid


def _section(segments: list[Segment], plan: Plan) -> Section:
    section = Section(f"From a trade's arrival in ws to its committed order, {TRADES_PER_SECOND} trades/s", SETTINGS)
    of = {state: [segment for segment in segments if segment.state == state] for state in STATES}
    usual = _medians(of["up"])
    for state in STATES:
        for name, value in _medians(of[state]).items():
            detail = f"{value / usual[name]:.2f} of what it is while the collector is up"
            section.figures.append(Figure(f"{state}, {name}", value, "ms", None, "" if state == "up" else detail))
    section.rows = [_row(segment) for segment in segments]
    section.notes = [
        f"figures are medians over {plan.rounds} segments of {plan.seconds:g} s for each state, which follow in order",
        "measured as bench.pipeline measures latency; the flush's mean is that of each segment",
        "failed exports show that services did try; killed and frozen segments begin the moment it happens",
    ]
    return section


def _row(segment: Segment) -> dict[str, Any]:
    return {
        "collector": segment.state,
        "orders": segment.order.samples,
        "p50 ms": segment.order.p50,
        "p95 ms": segment.order.p95,
        "p99 ms": segment.order.p99,
        "decisions/s": segment.decisions_per_s,
        "failed exports": segment.failed_exports,
    }


def _medians(segments: list[Segment]) -> dict[str, float]:
    names = ("p50", "p95", "p99")
    return {name: median(getattr(segment.order, name) for segment in segments) for name in names}


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load of one minute": round(os.getloadavg()[0], 2),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 s per segment instead of 30")
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
