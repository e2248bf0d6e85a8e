"""Whatever ends or hangs, the figures stay true: one series for one thing, no rate that never was, trading goes on."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final

import pytest

from cdb.stack import TRADING
from tests.e2e.bot import LIVELY, SERVICES
from tests.e2e.ledger_truth import differences
from tests.e2e.test_hanging import end_of, frozen
from tests.e2e.watched import EXPIRATION_S, INSTANCES, SCRAPE_S, Values, Watched, summed, watched_bot
from tests.waiting import until

pytestmark = pytest.mark.e2e

COUNTED: Final = {
    "cdb_ws": "cdb_data_ingestion_latency_seconds_count",
    "cdb_core": "cdb_signals_generated_total",
    "cdb_risk": "cdb_signals_evaluated_total",
    "cdb_execution": "cdb_trades_executed_total",
}
"""One thing that each service counts and that somebody else, whom nobody kills here, has counted too."""
ROWS: Final = {"cdb_core": "signals", "cdb_risk": "decisions", "cdb_execution": "fills"}
SERVICE_DOWN: Final = 'cdb_health_status == 0 or up{job="cdb_services"} == 0 or absent(up{job="cdb_services"})'
GAUGES_OF_TIME: Final = frozenset({"cdb_data_staleness_seconds"})


@pytest.fixture(scope="module")
def _watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    place = tmp_path_factory.mktemp("watched")
    with watched_bot(place, LIVELY, parts=(*TRADING, "otel_collector", "prometheus")) as bot:
        yield bot


@pytest.fixture
def watched(_watched: Watched) -> Watched:
    """Hand out a lively bot with a collector and a Prometheus, all at work."""
    _watched.bot.stack.start()
    _watched.bot.go_on()
    _watched.bot.wait_healthy()
    _watched.bot.wait_trading()
    until(lambda: len(_watched.prometheus("cdb_health_status")), holds=lambda seen: seen == len(SERVICES))
    return _watched


def settle(watched: Watched) -> Values:
    """Stop the market, wait until Prometheus has all that the services show of themselves, and return that."""
    watched.bot.quiesce()
    until(
        lambda: differences(steady(watched.stored()), steady(watched.own_pages())),
        holds=lambda wrong: not wrong,
        within_s=60,
        what="no difference (stored, shown) between Prometheus and the services' own pages",
    )
    return watched.stored()


def steady(values: Values) -> Values:
    """Return counters, and gauges that stand still while nothing happens; what takes time goes on all the time."""
    return {
        series: value
        for series, value in values.items()
        if series[0] not in GAUGES_OF_TIME and "_duration_seconds" not in series[0]
    }


def counted(watched: Watched, service: str) -> int:
    """Return how often what *service* counts has happened, from where nobody forgets it."""
    if service in ROWS:
        return watched.bot.count(ROWS[service])
    with watched.bot.redis() as client:
        info: Any = client.xinfo_stream("market_data")
    return int(info["entries-added"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_goes_on_in_its_series_without_a_spike(watched: Watched, service: str) -> None:
    """Ended by SIGKILL under load: one series for one thing, and never more counted than has happened.

    Less may be: what the dead process had not exported yet. All that the new one counted is there.
    """
    settle(watched)
    began, before = time.time(), counted(watched, service)
    watched.bot.go_on()
    watched.bot.wait_trading()
    until(lambda: watched.stored_sum(f"sum(increase({COUNTED[service]}[10s]))"), what="something counted before")
    watched.bot.kill(service)
    watched.bot.wait_healthy()
    watched.bot.wait_trading()
    stored = settle(watched)
    happened = counted(watched, service) - before
    since_restart = summed(stored, COUNTED[service])
    assert 0 < since_restart < happened
    increase = increase_over(watched, COUNTED[service], since=began)
    assert since_restart <= increase <= happened
    assert_rate_possible(watched, COUNTED[service], since=began, happened=happened)
    assert_one_series_each(watched, since=began)


def increase_over(watched: Watched, name: str, *, since: float) -> float:
    """Return what a counter's samples add up to, as rate() takes them: a fall is a new beginning at 0."""
    total = 0.0
    for row in watched.prometheus(f"{name}[{time.time() - since:.0f}s]"):
        values = [float(value) for _, value in row["values"]]
        total += sum(new - old if new >= old else new for old, new in pairwise(values))
    return total


def assert_rate_possible(watched: Watched, name: str, *, since: float, happened: int) -> None:
    """Fail if at any moment increase() over the last few scrapes says more than has happened in all the time.

    It extrapolates by up to about a scrape on either side of the samples that it has.
    """
    window_s = 5 * SCRAPE_S
    start = since + window_s
    query = f"sum(increase({name}[{window_s}s]))"
    rows = watched.over_time(query, start=start, end=max(start, time.time()), step_s=1)
    highest = max(float(value) for row in rows for _, value in row["values"])
    assert 0 < highest <= happened * window_s / (window_s - 2 * SCRAPE_S), (highest, happened)


def assert_one_series_each(watched: Watched, *, since: float) -> None:
    """Fail if any of the services has had two series with the same labels since then."""
    series = watched.series('{__name__=~"cdb_.*"}', start=since, end=time.time())
    assert {labels["instance"] for labels in series} == set(INSTANCES.values())
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for labels in series:
        owner = labels.pop("instance")
        identity = tuple(sorted({**labels, "owner": owner.partition(":")[0]}.items()))
        seen[identity] = seen.get(identity, 0) + 1
    assert not [identity for identity, count in seen.items() if count > 1]
    one_owner = [labels for labels in series if labels["__name__"] in COUNTED.values()]
    assert len(one_owner) == len({tuple(sorted(labels.items())) for labels in one_owner})


def test_a_dead_services_series_end_and_the_others_stay(watched: Watched) -> None:
    """After the collector's metric_expiration and a scrape: within a minute with the usual settings."""
    dead = f'{{__name__=~"cdb_.*", instance="{INSTANCES["cdb_execution"]}"}}'
    others = f'count({{__name__=~"cdb_.*", instance!="{INSTANCES["cdb_execution"]}"}})'
    there = watched.stored_sum(others)
    assert watched.prometheus(dead)
    os.kill(pid_of(watched, "cdb_execution"), signal.SIGKILL)
    watched.bot.stack.stop_part("cdb_execution")
    ended = time.time()
    until(lambda: watched.prometheus(dead), holds=lambda left: not left, within_s=60, what="an end of its series")
    rows = watched.prometheus(f"{dead}[{time.time() - ended + 30:.0f}s]")
    last = max(float(when) for row in rows for when, _ in row["values"])
    assert last - ended < EXPIRATION_S + SCRAPE_S
    assert watched.stored_sum(others) == there


def test_the_collector_killed_and_kept_down_costs_no_count(watched: Watched) -> None:
    """Under load: trading goes on, nobody is called down, and afterwards the counters are right."""
    settle(watched)
    missing = missing_from_pages(watched)
    failures = watched.own_pages()
    watched.bot.go_on()
    began = time.time()
    with without_collector(watched):
        trade_until_exports_fail(watched, failures)
        assert watched.prometheus("cdb_signals_evaluated_total") == [], "its series should have ended by now"
        assert watched.bot.health() == dict.fromkeys(SERVICES, 200)
    stored = settle(watched)
    assert missing_from_pages(watched) == missing
    for service, table in ROWS.items():
        assert summed(stored, COUNTED[service]) == counted(watched, service) - missing[table]
    assert watched.over_time(SERVICE_DOWN, start=began, end=time.time()) == []
    watched.bot.audit()


def test_a_hanging_collector_costs_no_count(watched: Watched) -> None:
    """It takes connections and never answers: the same as when it is away."""
    settle(watched)
    missing = missing_from_pages(watched)
    failures = watched.own_pages()
    watched.bot.go_on()
    with frozen(watched.bot, "otel_collector"):
        trade_until_exports_fail(watched, failures)
        assert watched.bot.health() == dict.fromkeys(SERVICES, 200)
    settle(watched)
    assert missing_from_pages(watched) == missing
    watched.bot.audit()


def test_services_end_in_time_while_the_collector_is_away(watched: Watched) -> None:
    """SIGTERM: exit 0 within five seconds."""
    with without_collector(watched):
        assert_all_end_in_time(watched)


def test_services_end_in_time_while_the_collector_hangs(watched: Watched) -> None:
    with frozen(watched.bot, "otel_collector"):
        assert_all_end_in_time(watched)


def assert_all_end_in_time(watched: Watched) -> None:
    for service in SERVICES:
        asked = time.monotonic()
        assert "exit status 0" in end_of(watched.bot, service)
        assert time.monotonic() - asked < 5


@contextmanager
def without_collector(watched: Watched) -> Iterator[None]:
    """End the collector by SIGKILL and keep it down."""
    os.kill(pid_of(watched, "otel_collector"), signal.SIGKILL)
    watched.bot.stack.stop_part("otel_collector")
    try:
        yield
    finally:
        watched.bot.stack.start_part("otel_collector")


def trade_until_exports_fail(watched: Watched, before: Values) -> None:
    """Wait until every service has given up on metrics, one on spans, and all that time decisions are made."""
    decisions = watched.bot.count("decisions")
    failed = "cdb_telemetry_export_failures_total"
    until(
        lambda: more_failures(watched, before),
        holds=lambda more: len(more) == len(SERVICES),
        what="failed exports counted by every service",
    )
    until(
        lambda: summed(watched.own_pages(), failed, signal="traces"),
        holds=lambda now: now > summed(before, failed, signal="traces"),
        what="failed exports of spans",
    )
    until(lambda: watched.bot.count("decisions"), holds=lambda now: now > decisions + 10, what="ten more decisions")
    until(lambda: watched.prometheus("cdb_health_status"), holds=lambda seen: not seen, what="an end of all series")


def more_failures(watched: Watched, before: Values) -> list[str]:
    """Return the instances that have given up on more exports of metrics than *before*."""
    now = watched.own_pages()
    name = "cdb_telemetry_export_failures_total"
    labels = [{"signal": "metrics", "instance": instance} for instance in INSTANCES.values()]
    return [own["instance"] for own in labels if summed(now, name, **own) > summed(before, name, **own)]


def missing_from_pages(watched: Watched) -> dict[str, float]:
    """Return how many rows of each table the running processes have not counted: those from before their start."""
    pages = watched.own_pages()
    return {table: watched.bot.count(table) - summed(pages, COUNTED[service]) for service, table in ROWS.items()}


def pid_of(watched: Watched, part: str) -> int:
    pid = watched.bot.stack.pid_of(part)
    assert pid is not None, f"{part} does not run"
    return pid
