"""Whoever dies, service or collector: what Prometheus knows stays true, and trading does not notice."""

import os
import signal
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.e2e.bot import INSTANCES, LIVELY, SERVICES, Bot
from tests.e2e.faults import end_of, frozen
from tests.e2e.watched import Prometheus, watched_bot
from tests.waiting import until

pytestmark = pytest.mark.e2e

SERVICE_DOWN = '(cdb_health_status == 0) or (up{job="cdb_services"} == 0) or absent(up{job="cdb_services"})'
COUNTED = {
    "cdb_core": ("cdb_signals_generated_total", "SELECT count(*) FROM signals"),
    "cdb_risk": ("cdb_signals_evaluated_total", "SELECT count(*) FROM decisions"),
    "cdb_execution": ("cdb_trades_executed_total", "SELECT count(*) FROM fills"),
}
"""What a service counts, and what the ledger says of it."""


@pytest.fixture(scope="module")
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with watched_bot(tmp_path_factory.mktemp("watched"), LIVELY) as bot:
        yield bot


@pytest.fixture
def watched(_watched: Bot) -> Bot:
    """Hand out a bot under load, whose four services Prometheus knows."""
    _watched.stack.start()
    _watched.go_on()
    _watched.wait_healthy()
    _watched.wait_trading()
    prometheus = Prometheus(_watched)
    until(
        lambda: prometheus.query("count(cdb_health_status == 1)"),
        holds=lambda seen: list(seen.values()) == [len(SERVICES)],
        what="all four services healthy in Prometheus",
    )
    return _watched


@pytest.mark.parametrize("service", COUNTED)
def test_a_killed_service_goes_on_with_its_series_and_counts_nothing_twice(watched: Bot, service: str) -> None:
    prometheus = Prometheus(watched)
    counter, rows = COUNTED[service]
    selector = '{__name__=~"cdb_.*"}'
    before = prometheus.series(selector, start=time.time() - 3, end=time.time())
    assert {dict(series)["instance"] for series in before} == set(INSTANCES.values())
    began, ledger_before = time.time(), watched.query(rows)[0][0]
    watched.kill(service)
    watched.wait_healthy()
    watched.wait_trading()
    watched.quiesce()
    shown = until(
        lambda: (watched.metric(service, counter), sum(prometheus.query(counter).values())),
        holds=lambda both: both[0] == both[1] > 0,
        what=f"{counter} in Prometheus as the new {service} has it",
    )
    ended = time.time()
    assert prometheus.series(selector, start=began - 3, end=ended) == before
    in_ledger = watched.query(rows)[0][0] - ledger_before
    stored = prometheus.samples(counter, start=began, end=ended)
    increase = sum(_increase(values) for values in stored.values())
    # What the dead process had not exported is lost; what the last export before missed of the ledger comes on top.
    assert shown[1] <= increase <= in_ledger + _within_an_export(stored)


def _increase(values: list[float]) -> float:
    """Return by how much a counter grew, as Prometheus sees it: a lower value is a new beginning at 0."""
    return sum(now - before if now >= before else now for before, now in pairwise(values))


def _within_an_export(stored: dict[frozenset[tuple[str, str]], list[float]]) -> float:
    """Return what a counter can have been behind the ledger: what came in its liveliest two seconds."""
    steps = [[max(0.0, b - a) for a, b in zip(values, values[2:], strict=False)] for values in stored.values()]
    return sum(max(series, default=0.0) for series in steps)


def test_the_series_of_a_service_that_ended_end_and_the_others_stay(watched: Bot) -> None:
    prometheus = Prometheus(watched)
    known = 'count by (instance) ({job="cdb_services",__name__=~"cdb_.*"})'
    everybody = {frozenset({("instance", instance)}) for instance in INSTANCES.values()}
    until(lambda: set(prometheus.query(known)), holds=lambda seen: seen == everybody, what="series of all four")
    watched.stack.stop_part("cdb_core")
    left = everybody - {frozenset({("instance", INSTANCES["cdb_core"])})}
    until(lambda: set(prometheus.query(known)), holds=lambda seen: seen == left, within_s=15, what="those of three")
    watched.stack.start_part("cdb_core")
    until(lambda: set(prometheus.query(known)), holds=lambda seen: seen == everybody, what="series of all four again")


def test_a_collector_that_was_away_leaves_no_gap_in_what_was_counted(watched: Bot) -> None:
    """Meanwhile trading goes on, no service is called down, and the failures are counted."""
    prometheus = Prometheus(watched)
    _kill_for_good(watched, "otel_collector")
    decided = watched.count("decisions")
    called_down: list[object] = []

    def decisions() -> int:
        called_down.extend(prometheus.query(SERVICE_DOWN))
        return watched.count("decisions")

    until(decisions, holds=lambda now: now >= decided + 30, what="thirty decisions without a collector")
    until(
        lambda: watched.metric("cdb_risk", "cdb_telemetry_export_failures_total", signal="metrics"),
        what="a failed export, counted",
    )
    assert called_down == []
    watched.stack.start_part("otel_collector")
    watched.quiesce()
    for service, (counter, _) in COUNTED.items():
        until(
            lambda service=service, counter=counter: (  # type: ignore[misc]
                watched.metric(service, counter),
                sum(prometheus.query(counter).values()),
            ),
            holds=lambda both: both[0] == both[1] > 0,
            what=f"{counter} in Prometheus as {service} has it",
        )
    watched.audit()


def test_services_end_in_time_while_the_collector_is_away(watched: Bot) -> None:
    _kill_for_good(watched, "otel_collector")
    for service in SERVICES:
        assert "exit status 0" in end_of(watched, service)


def test_services_end_in_time_while_the_collector_hangs(watched: Bot) -> None:
    """It takes connections and answers nothing; trading does not wait for it either."""
    with frozen(watched, "otel_collector"):
        watched.wait_trading()
        assert set(watched.health().values()) == {200}
        for service in SERVICES:
            assert "exit status 0" in end_of(watched, service)


def _kill_for_good(bot: Bot, part: str) -> None:
    """End *part* by SIGKILL and keep it from being started again."""
    pid = bot.stack.pid_of(part)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    bot.stack.stop_part(part)
