"""Measure what one recording costs: our API beside raw OpenTelemetry and prometheus_client.

All ways run in turns in one process, with and without a sampled span around them. The table shows medians as ratios
to prometheus_client's labels().inc(), .set() and .observe(), because absolute times depend on the machine.

    python -m bench.recording [--rounds N] [--calls N] [--json]
"""

import argparse
import gc
import json
from collections.abc import Callable
from contextlib import nullcontext
from statistics import median
from time import perf_counter_ns
from typing import Any, Final, NamedTuple

import prometheus_client as prom
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from telemetry.contract import load_contract
from telemetry.readers import LocalReader
from telemetry.recorder import Recorder
from telemetry.recording_calls import Metrics

Call = Callable[[], object]

BASE: Final = "prometheus_client labels()"
AIMS: Final = {"counter": 0.3, "gauge": 0.1, "histogram": 0.5}
BUCKETS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class Result(NamedTuple):
    """One cell of the table."""

    instrument: str
    way: str
    span: bool
    nanoseconds: float
    ratio: float


def ways() -> tuple[dict[str, dict[str, Call]], Recorder]:
    """Calls to measure by instrument and by way of recording, and our recorder."""
    recorder = Recorder(load_contract())
    metrics = Metrics(recorder)
    provider = MeterProvider([LocalReader(recorder)], shutdown_on_exit=False)
    recorder.start(provider.get_meter("cdb"), service="cdb_core", configured={"symbol": ("BTCUSDT",)}, exemplars=True)
    # Two readers, as every service has: one for OTLP, one for /metrics.
    raw = MeterProvider([InMemoryMetricReader(), InMemoryMetricReader()], shutdown_on_exit=False).get_meter("raw")
    registry = prom.CollectorRegistry()
    return {
        "counter": _counters(metrics, raw, registry),
        "gauge": _gauges(metrics, raw, registry),
        "histogram": _histograms(metrics, raw, registry),
    }, recorder


def _counters(metrics: Metrics, raw: Any, registry: prom.CollectorRegistry) -> dict[str, Call]:
    theirs = prom.Counter("signals", "signals", ["symbol", "direction", "strategy"], registry=registry)
    child = theirs.labels(symbol="BTCUSDT", direction="BUY", strategy="momentum_v1")
    ours = metrics.signals_generated
    bound = ours.labels(symbol="BTCUSDT", direction="BUY", strategy="momentum_v1")
    otel = raw.create_counter("signals")
    return {
        BASE: lambda: theirs.labels(symbol="BTCUSDT", direction="BUY", strategy="momentum_v1").inc(),
        "prometheus_client bound": lambda: child.inc(1),
        "ours labels()": lambda: ours.labels(symbol="BTCUSDT", direction="BUY", strategy="momentum_v1").inc(),
        "ours bound": lambda: bound.inc(1),
        "raw OpenTelemetry": lambda: otel.add(1, {"symbol": "BTCUSDT", "direction": "BUY", "strategy": "momentum_v1"}),
    }


def _gauges(metrics: Metrics, raw: Any, registry: prom.CollectorRegistry) -> dict[str, Call]:
    theirs = prom.Gauge("exposure", "exposure", ["symbol"], registry=registry)
    child = theirs.labels(symbol="BTCUSDT")
    ours = metrics.position_exposure_pct
    bound = ours.labels(symbol="BTCUSDT")
    otel = raw.create_gauge("exposure")
    return {
        BASE: lambda: theirs.labels(symbol="BTCUSDT").set(8.5),
        "prometheus_client bound": lambda: child.set(8.5),
        "ours labels()": lambda: ours.labels(symbol="BTCUSDT").set(8.5),
        "ours bound": lambda: bound.set(8.5),
        "raw OpenTelemetry": lambda: otel.set(8.5, {"symbol": "BTCUSDT"}),
    }


def _histograms(metrics: Metrics, raw: Any, registry: prom.CollectorRegistry) -> dict[str, Call]:
    theirs = prom.Histogram("strength", "strength", ["symbol", "strategy"], registry=registry, buckets=BUCKETS)
    child = theirs.labels(symbol="BTCUSDT", strategy="momentum_v1")
    ours = metrics.signal_strength
    bound = ours.labels(symbol="BTCUSDT", strategy="momentum_v1")
    otel = raw.create_histogram("strength", explicit_bucket_boundaries_advisory=BUCKETS)
    return {
        BASE: lambda: theirs.labels(symbol="BTCUSDT", strategy="momentum_v1").observe(0.7),
        "prometheus_client bound": lambda: child.observe(0.7),
        "ours labels()": lambda: ours.labels(symbol="BTCUSDT", strategy="momentum_v1").observe(0.7),
        "ours bound": lambda: bound.observe(0.7),
        "raw OpenTelemetry": lambda: otel.record(0.7, {"symbol": "BTCUSDT", "strategy": "momentum_v1"}),
    }


def _timed(call: Call, calls: int) -> float:
    started = perf_counter_ns()
    for _ in range(calls):
        call()
    return (perf_counter_ns() - started) / calls


def measure(rounds: int, calls: int) -> list[Result]:
    """Time every way once per round; results are medians per call minus the cost of an empty call."""
    measured, recorder = ways()
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("bench")
    times: dict[tuple[str, str, bool], list[float]] = {}
    empty: list[float] = []
    gc.disable()
    for _ in range(rounds):
        empty.append(_timed(lambda: None, calls))
        recorder.histograms(drain=True)  # an export interval ends: exemplars start anew
        for instrument, by_way in measured.items():
            for span in (False, True):
                for way, call in by_way.items():
                    with tracer.start_as_current_span("sampled") if span else nullcontext():
                        times.setdefault((instrument, way, span), []).append(_timed(call, calls))
    gc.enable()
    cost = {key: median(values) - median(empty) for key, values in times.items()}
    return [Result(*key, cost[key], cost[key] / cost[key[0], BASE, key[2]]) for key in cost]


def table(results: list[Result]) -> str:
    """Ratios as a text table."""
    cells = {(result.instrument, result.way, result.span): result for result in results}
    lines = [f"{'instrument':<11}{'way':<28}{'ratio':>8}{'in span':>9}{'aim':>6}{'ns':>7}"]
    for instrument, way in dict.fromkeys((result.instrument, result.way) for result in results):
        plain, span = (cells[instrument, way, flag] for flag in (False, True))
        aim = f"{AIMS[instrument]:>6}" if way.startswith("ours") else f"{'':>6}"
        lines.append(f"{instrument:<11}{way:<28}{plain.ratio:>8.2f}{span.ratio:>9.2f}{aim}{plain.nanoseconds:>7.0f}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    options = parser.parse_args()
    results = measure(options.rounds, options.calls)
    print(json.dumps([result._asdict() for result in results], indent=1) if options.json else table(results))


if __name__ == "__main__":
    main()
