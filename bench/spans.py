"""Measure what one span costs its caller: ours (recorded after its end), the SDK's and the instrumentations'.

All ways run in turns in one process, on a real Redis and PostgreSQL. It measures processor time, so waiting for a
server does not count. An instrumentation's span costs the instrumented call minus the plain one. Nothing is exported.

    python -m bench.spans [--rounds N] [--calls N] [--json]
"""

import argparse
import json
from collections.abc import Callable
from statistics import median
from time import process_time_ns
from typing import Any, Final, NamedTuple

from opentelemetry import trace
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import SpanProcessor

from bench.stacks import Bot, Lab
from telemetry import tracing
from telemetry.tracing import SpanProvider

Call = Callable[[], object]

BASE: Final = "the SDK's, started and ended"
ATTRIBUTES: Final[tracing.Attributes] = {
    "db.system.name": "postgresql",
    "db.operation.name": "EXECUTE",
    "cdb.batch_size": 1,
}


class Way(NamedTuple):
    """A call that makes one span, and what the call does besides, without the span."""

    call: Call
    plain: Call = lambda: None


class Result(NamedTuple):
    """One line of the table: the processor time of one span in microseconds, and its ratio to the SDK's."""

    way: str
    microseconds: float
    ratio: float


def ways(bot: Bot) -> dict[str, Way]:
    """Ways to measure, by name, on the servers of *bot*."""
    provider = SpanProvider()
    provider.add_span_processor(SpanProcessor())
    trace.set_tracer_provider(provider)
    tracer = tracing.tracer()
    parent = tracer.start_span("parent").get_span_context()
    context = trace.set_span_in_context(trace.NonRecordingSpan(parent), tracing.root())
    traced = Bot(bot.stack)
    RedisInstrumentor().instrument_client(traced.redis, tracer_provider=provider)
    statements = Psycopg2Instrumentor().instrument_connection(traced.connection(), tracer_provider=provider)
    return {
        BASE: Way(lambda: tracer.start_span("step", context, attributes=ATTRIBUTES).end()),
        "ours, started and ended": Way(lambda: tracing.start("step", parent, 1, ATTRIBUTES).end()),
        "ours, recorded when ended": Way(lambda: tracing.record("step", parent, 1, 2, attributes=ATTRIBUTES)),
        "psycopg2's, one statement": Way(_statement(statements), _statement(bot.connection())),
        "Redis', a pipeline of two": Way(_pipeline(traced.redis), _pipeline(bot.redis)),
    }


def _statement(connection: Any) -> Call:
    cursor = connection.cursor()
    return lambda: cursor.execute("SELECT 1")


def _pipeline(client: Any) -> Call:
    def call() -> None:
        pipeline = client.pipeline(transaction=False)
        pipeline.xadd("bench", {"data": b"x"}, maxlen=100)
        pipeline.xlen("bench")
        pipeline.execute()

    return call


def _timed(call: Call, calls: int) -> float:
    started = process_time_ns()
    for _ in range(calls):
        call()
    return (process_time_ns() - started) / calls


def measure(measured: dict[str, Way], *, rounds: int, calls: int) -> list[Result]:
    """Time every way once per round; results are medians of what the span adds."""
    times: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, way in measured.items():
            times[name].append(_timed(way.call, calls) - _timed(way.plain, calls))
    cost = {name: median(found) for name, found in times.items()}
    return [Result(name, cost[name] / 1_000, cost[name] / cost[BASE]) for name in measured]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    options = parser.parse_args()
    with Lab() as lab, lab.run("spans", (), {}) as bot:
        results = measure(ways(bot), rounds=options.rounds, calls=options.calls)
    if options.json:
        print(json.dumps([result._asdict() for result in results], indent=1))
        return
    print(f"{'span':<32}{'ratio':>8}{'us':>8}")
    for result in results:
        print(f"{result.way:<32}{result.ratio:>8.2f}{result.microseconds:>8.1f}")


if __name__ == "__main__":
    main()
