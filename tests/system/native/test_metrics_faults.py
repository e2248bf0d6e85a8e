"""Whoever dies, service or collector: what Prometheus knows stays true, and trading does not notice."""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from telemetry.contract import load_contract
from tests.support.bot import INSTANCES, LIVELY, SERVICES, Bot
from tests.support.waiting import until
from tests.system.native.faults import away, end_of, frozen
from tests.system.native.scraped_bot import Prometheus, scraped_bot

pytestmark = pytest.mark.e2e

SERVICE_DOWN = '(cdb_health_status == 0) or (up{job="cdb_services"} == 0) or absent(up{job="cdb_services"})'
COUNTED = {
    "cdb_ws": "cdb_data_ingestion_latency_seconds_count",
    "cdb_core": "cdb_signals_generated_total",
    "cdb_risk": "cdb_signals_evaluated_total",
    "cdb_execution": "cdb_trades_executed_total",
}
"""What each service counts and somebody whom nobody kills here knows too: the bus or the ledger (see happened)."""
ROWS = {"cdb_core": "signals", "cdb_risk": "decisions", "cdb_execution": "fills"}
WINDOW_S = 10
ABSENT = [metric.prometheus for metric in load_contract().metrics if metric.absent]
"""Their series come when there is something to show."""


@pytest.fixture(scope="module")
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with scraped_bot(tmp_path_factory.mktemp("watched"), LIVELY) as bot:
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
    """No second series, no spike in a rate; what the dead process had not exported yet is lost, and nothing else."""
    prometheus, counter = Prometheus(watched), COUNTED[service]
    selector = f'{{__name__=~"cdb_.*", __name__!~"({"|".join(ABSENT)})(_bucket|_sum|_count)?"}}'
    settle(watched)
    series = prometheus.series(selector, start=time.time() - 3, end=time.time())
    assert {dict(one)["instance"] for one in series} == set(INSTANCES.values())
    began, before, stored_before = time.time(), happened(watched, service), stored(watched)[service]
    watched.go_on()
    until(lambda: stored(watched)[service], holds=lambda now: now > stored_before, what=f"more {counter} in Prometheus")
    watched.kill(service)
    watched.wait_healthy()
    watched.wait_trading()
    settle(watched)
    ended, more = time.time(), happened(watched, service) - before
    assert prometheus.series(selector, start=began - 3, end=ended) == series
    samples = prometheus.samples(counter, start=began, end=ended)
    increase = sum(_increase(values) for values in samples.values())
    assert 0 < stored(watched)[service] <= increase <= more
    rates = watched.prometheus(
        "query_range", query=f"sum(increase({counter}[{WINDOW_S}s]))", step="1",
        start=str(began + WINDOW_S), end=str(max(ended, began + WINDOW_S)),
    )["result"]  # fmt: skip
    highest = max(float(value) for row in rates for _, value in row["values"])
    assert highest <= more * WINDOW_S / (WINDOW_S - 3), "increase() extrapolates by about a scrape on either side"


def happened(bot: Bot, service: str) -> int:
    """How often what *service* counts has happened."""
    if service in ROWS:
        return bot.count(ROWS[service])
    with bot.redis() as client:
        info: Any = client.xinfo_stream("market_data")
    return int(info["entries-added"])


def stored(bot: Bot) -> dict[str, float]:
    """What Prometheus has of what each service counts."""
    prometheus = Prometheus(bot)
    return {service: sum(prometheus.query(counter).values()) for service, counter in COUNTED.items()}


def shown(bot: Bot) -> dict[str, float]:
    """What each service itself shows of it."""
    return {service: bot.metric(service, counter) for service, counter in COUNTED.items()}


def settle(bot: Bot) -> dict[str, float]:
    """Stop the market, wait until Prometheus has all that the services have counted, and return what came before them.

    That is by how much more has happened than their processes have counted since they began.
    """
    bot.quiesce()
    until(
        lambda: (stored(bot), shown(bot)),
        holds=lambda both: both[0] == both[1],
        what="equal counts in Prometheus and at the services",
    )
    return {service: happened(bot, service) - count for service, count in shown(bot).items()}


def _increase(values: list[float]) -> float:
    """By how much a counter grew, as Prometheus sees it: a lower value is a new beginning at 0."""
    return sum(now - before if now >= before else now for before, now in pairwise(values))


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


@pytest.mark.parametrize("fault", ["away", "hanging"])
def test_a_collector_that_takes_nothing_leaves_no_gap_in_what_was_counted(watched: Bot, fault: str) -> None:
    """Meanwhile trading goes on, no service is called down, and the failures are counted.

    Afterwards counters say what the services have counted, and those have counted all that the ledger has.
    """
    uncounted = settle(watched)
    watched.go_on()
    began, decided, failed = time.time(), watched.count("decisions"), export_failures(watched)
    with away(watched, "otel_collector") if fault == "away" else frozen(watched, "otel_collector"):
        until(lambda: watched.count("decisions"), holds=lambda now: now >= decided + 30, what="thirty decisions")
        until(
            lambda: export_failures(watched),
            holds=lambda now: all(now[one] > failed[one] for one in failed),
            what="one more failed export of every service's metrics, and of spans where there are any",
        )
        assert set(watched.health().values()) == {200}
    assert settle(watched) == uncounted
    called_down = watched.prometheus(
        "query_range", query=SERVICE_DOWN, start=str(began), end=str(time.time()), step="1"
    )
    assert called_down["result"] == []
    watched.audit()


def export_failures(bot: Bot) -> dict[tuple[str, str], float]:
    """How many batches each service has given up on; cdb_ws makes no spans."""
    kinds = [*((service, "metrics") for service in SERVICES), *((service, "traces") for service in ROWS)]
    name = "cdb_telemetry_export_failures_total"
    return {(service, kind): bot.metric(service, name, signal=kind) for service, kind in kinds}


def test_services_end_in_time_while_the_collector_is_away(watched: Bot) -> None:
    with away(watched, "otel_collector"):
        all_end_in_time(watched)


def test_services_end_in_time_while_the_collector_hangs(watched: Bot) -> None:
    """It takes connections and answers nothing."""
    with frozen(watched, "otel_collector"):
        all_end_in_time(watched)


def all_end_in_time(bot: Bot) -> None:
    """Ask each service to end, and fail if the supervisor has to kill it because it takes too long."""
    for service in SERVICES:
        assert "exit status 0" in end_of(bot, service)
