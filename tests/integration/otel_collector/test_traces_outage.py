"""What becomes of spans while Jaeger is away, as the collector ends, and when the queue between them is full."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.support.bot import Bot
from tests.support.collector_with_jaeger import Trace, Tracing, running_tracing
from tests.support.intake import a_request
from tests.support.waiting import until

pytestmark = pytest.mark.integration

COLLECTOR: Final = "otel_collector"
SPANS: Final = 3  # of one trace
UNJUDGED: Final = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total"
ROOM: Final = 300  # spans


@pytest.fixture(scope="module")
def tracing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracing]:
    with running_tracing(tmp_path_factory.mktemp("tracing")) as running:
        yield running


def failed(name: str, count: int) -> list[Trace]:
    return [Trace(name=f"{name} {number}", failed=True) for number in range(count)]


def wait_for(tracing: Tracing, traces: Sequence[Trace]) -> None:
    """Wait until Jaeger has all of *traces*, whole."""

    def missing() -> list[str]:
        found = tracing.found()
        return [
            trace.name
            for trace in traces
            if (one := found.get(trace.trace_id.hex())) is None or len(one.spans) < SPANS or one.orphans
        ]

    until(missing, holds=lambda names: not names, within_s=60, what="nothing missing in Jaeger")


def queued(tracing: Tracing) -> float:
    return tracing.intake.own("otelcol_exporter_queue_size", exporter="otlp_grpc/jaeger")


def test_nothing_is_missing_after_jaeger_was_away_and_the_collector_was_restarted(tracing: Tracing) -> None:
    """In the queue, in the sampler's memory as the collector is asked to end, and sent while Jaeger is still away."""
    before, waiting, judged_at_the_end, after = (failed(name, 20) for name in ("before", "queued", "unjudged", "after"))
    tracing.send(before)
    wait_for(tracing, before)
    tracing.stack.stop_part("jaeger")
    tracing.send(waiting)
    until(lambda: queued(tracing), holds=lambda size: size == SPANS * len(waiting), what="all of them in the queue")
    tracing.send(judged_at_the_end)
    tracing.stack.stop_part(COLLECTOR)
    tracing.stack.start_part(COLLECTOR)
    until(
        lambda: queued(tracing), holds=lambda size: size == 2 * SPANS * 20, what="what was unjudged in the queue, too"
    )
    tracing.send(after)
    until(lambda: queued(tracing), holds=lambda size: size == 3 * SPANS * 20, what="the rest in the queue")
    tracing.stack.start_part("jaeger")
    wait_for(tracing, [*before, *waiting, *judged_at_the_end, *after])
    until(lambda: queued(tracing), holds=lambda size: size == 0, what="an empty queue")


def test_what_is_in_the_queue_outlives_a_killed_collector_and_what_is_stored_a_killed_jaeger(tracing: Tracing) -> None:
    stored, waiting = failed("stored", 20), failed("still queued", 20)
    tracing.send(stored)
    wait_for(tracing, stored)
    bot = Bot(tracing.stack)
    tracing.stack.stop_part("jaeger")
    tracing.send(waiting)
    until(lambda: queued(tracing), holds=lambda size: size == SPANS * len(waiting), what="all of them in the queue")
    bot.kill(COLLECTOR)
    tracing.stack.start_part("jaeger")
    wait_for(tracing, [*stored, *waiting])
    bot.kill("jaeger")
    wait_for(tracing, [*stored, *waiting])


def test_a_full_queue_or_memory_takes_no_more_and_the_loss_is_counted_and_reported(tmp_path: Path) -> None:
    settings = {"CDB_TRACE_QUEUE_SPANS": str(ROOM), "CDB_TRACES_IN_MEMORY": "200", "CDB_SCRAPE_INTERVAL": "1s"}
    with running_tracing(tmp_path, settings, parts=(COLLECTOR, "prometheus")) as tracing:
        bot, many = Bot(tracing.stack), failed("too many", 200)
        tracing.send([*failed("without room in the memory", 50), *many])
        until(lambda: tracing.judged("true"), holds=lambda seen: seen == len(many), what="all judged")
        lost = until(lambda: tracing.intake.own("otelcol_exporter_enqueue_failed_spans_total"), what="a counted loss")
        assert (queued(tracing), lost) == (ROOM, SPANS * len(many) - ROOM)
        assert tracing.intake.over_grpc(a_request("still-there"), tracing.intake.token) == "OK"
        assert tracing.intake.own(UNJUDGED) == 50
        alerts = {"TracesLost", "TracesUnjudged"}
        until(lambda: firing(bot), holds=lambda names: names >= alerts, within_s=60, what="the alerts for it")


def test_more_than_jaeger_has_room_for_is_sampled_and_reported(tmp_path: Path) -> None:
    """Badger has no bound of its own: of each kind of trace so many spans at once are taken, then so many a second."""
    settings = {"CDB_TRACE_SPANS_AT_ONCE": str(ROOM), "CDB_TRACE_SPANS_PER_SECOND": "1", "CDB_SCRAPE_INTERVAL": "1s"}
    with running_tracing(tmp_path, settings, parts=(COLLECTOR, "prometheus")) as tracing:
        many = failed("a flood", 1_000)
        tracing.send(many)
        judged = ("true", "false")
        until(lambda: sum(map(tracing.judged, judged)), holds=lambda seen: seen == len(many), what="all judged")
        assert ROOM / SPANS <= tracing.kept_as("failed") <= 2 * ROOM / SPANS
        assert 20 <= tracing.kept_as("over_limit") <= 90
        assert tracing.kept_as("share") == 0
        bot = Bot(tracing.stack)
        until(lambda: firing(bot), holds=lambda names: "TracesOverLimit" in names, within_s=60, what="the alert for it")


def firing(bot: Bot) -> set[str]:
    """The names of the alerts that fire now, also before Prometheus has series of them."""
    return {one["labels"]["alertname"] for one in bot.prometheus("alerts")["alerts"] if one["state"] == "firing"}
