"""Which traces a real collector keeps, why, and that all spans are measured before. Jaeger is a real one, too."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

import pytest

from tests.support.collector_with_jaeger import DECIDE, Found, Trace, Tracing, running_tracing
from tests.support.collectors import fetch
from tests.support.waiting import until

pytestmark = pytest.mark.integration

FEW: Final = 40
FAST: Final = tuple(Trace(name=f"fast {number}") for number in range(1_000))
WANTED: Final = {
    "slow": [Trace(name=f"slow {number}", decision_ms=50.1 + number) for number in range(FEW)],
    "failed": [Trace(name=f"failed {number}", failed=True) for number in range(FEW)],
    "rejected": [Trace(name=f"rejected {number}", attributes={"cdb.verdict": "rejected"}) for number in range(FEW)],
    "operator": [Trace(name=f"operator {number}", attributes={"cdb.action_id": f"{number}"}) for number in range(FEW)],
    "exemplar": [Trace(name=f"exemplar {number}", attributes={"cdb.exemplar": True}) for number in range(FEW)],
}
AT_THE_THRESHOLD: Final = Trace(name="just not slow", decision_ms=50)
WHOLE: Final = frozenset({"signal.generate", DECIDE, "order.execute"})
SENT: Final = len(FAST) + len(WANTED) * FEW + 1


@pytest.fixture(scope="module")
def tracing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracing]:
    with running_tracing(tmp_path_factory.mktemp("tracing")) as running:
        yield running


@pytest.fixture(scope="module")
def kept(tracing: Tracing) -> dict[str, Found]:
    """Send all traces, each from three services; return what Jaeger has when all are judged and handed on."""
    for service in ("cdb_core", "cdb_risk", "cdb_execution"):
        tracing.send(chain(FAST, *WANTED.values(), [AT_THE_THRESHOLD]), service)
    judged = until(
        lambda: (tracing.judged("true"), tracing.judged("false")),
        holds=lambda seen: sum(seen) == SENT,
        what=f"{SENT} traces judged",
    )
    return until(
        tracing.found,
        holds=lambda found: len(found) == judged[0] and all(one.spans == WHOLE for one in found.values()),
        what=f"{judged[0]:g} whole traces in Jaeger",
    )


@pytest.mark.parametrize("reason", WANTED)
def test_every_trace_that_is_wanted_is_kept_whole_and_says_why(kept: dict[str, Found], reason: str) -> None:
    right = Found(spans=WHOLE, reasons=frozenset({reason}), orphans=frozenset())
    assert [kept.get(trace.trace_id.hex()) for trace in WANTED[reason]] == [right] * FEW


def test_of_the_others_about_one_in_twenty_is_kept_and_says_so(kept: dict[str, Found]) -> None:
    """The sampler goes by the trace's id, and these are fixed; the bounds are for another sampler."""
    found = [kept[trace.trace_id.hex()] for trace in FAST if trace.trace_id.hex() in kept]
    assert 20 <= len(found) <= 90
    assert {reason for one in found for reason in one.reasons} == {"share"}


def test_a_decision_at_the_threshold_is_not_slow_however_long_the_signal_has_waited(kept: dict[str, Found]) -> None:
    found = kept.get(AT_THE_THRESHOLD.trace_id.hex())
    assert found is None or found.reasons == {"share"}


def test_span_metrics_count_every_span_before_traces_are_chosen(tracing: Tracing, kept: dict[str, Found]) -> None:
    assert 0 < len(kept) < SENT
    counted = until(lambda: spans(tracing, "calls_total"), holds=lambda seen: sum(seen.values()) == 3 * SENT)
    assert counted == {
        ("cdb_core", "signal.generate", "STATUS_CODE_UNSET"): SENT,
        ("cdb_risk", DECIDE, "STATUS_CODE_UNSET"): SENT - FEW,
        ("cdb_risk", DECIDE, "STATUS_CODE_ERROR"): FEW,
        ("cdb_execution", "order.execute", "STATUS_CODE_UNSET"): SENT,
    }
    assert spans(tracing, "duration_seconds_count") == counted


def test_span_metrics_say_how_long_spans_took_in_seconds(tracing: Tracing, kept: dict[str, Found]) -> None:
    assert kept
    until(lambda: spans(tracing, "calls_total"), holds=lambda seen: sum(seen.values()) == 3 * SENT)
    well = ("cdb_risk", DECIDE, "STATUS_CODE_UNSET")
    bounds = ("0.002", "0.005", "0.05", "0.1", "+Inf")
    within = {bound: spans(tracing, "duration_seconds_bucket", f'le="{bound}"')[well] for bound in bounds}
    fast = SENT - 2 * FEW - 1
    assert within == {"0.002": 0, "0.005": fast, "0.05": fast + 1, "0.1": SENT - FEW, "+Inf": SENT - FEW}


def test_span_metrics_carry_nothing_that_changes_with_a_restart(tracing: Tracing, kept: dict[str, Found]) -> None:
    assert kept
    lines = [line for line in exposition(tracing) if line.startswith("traces_span_metrics_calls_total{")]
    labels = {part.split("=")[0] for line in lines for part in line[line.index("{") + 1 : line.index("}")].split(",")}
    assert labels == {"service_name", "span_name", "status_code"}


def test_a_late_span_goes_the_way_of_its_trace(tracing: Tracing, kept: dict[str, Found]) -> None:
    judged = tracing.judged("true") + tracing.judged("false")
    dropped = next(trace for trace in FAST if trace.trace_id.hex() not in kept)
    wanted = Trace(name="rejected early", attributes={"cdb.verdict": "rejected"})
    tracing.send([wanted], "cdb_core", "cdb_risk")
    until(lambda: tracing.trace(wanted), what="the trace without its last span")
    tracing.send([dropped, wanted], "cdb_execution")
    found = until(lambda: tracing.trace(wanted), holds=lambda seen: seen is not None and seen.spans == WHOLE)
    assert found == Found(spans=WHOLE, reasons=frozenset({"rejected"}), orphans=frozenset())
    until(lambda: early_releases(tracing, sampled="false"), holds=lambda seen: seen == 1)
    assert early_releases(tracing, sampled="true") == 1
    assert tracing.trace(dropped) is None
    assert tracing.judged("true") + tracing.judged("false") == judged + 1


def early_releases(tracing: Tracing, *, sampled: str) -> float:
    name = "otelcol_processor_tail_sampling_early_releases_from_cache_decision_total"
    return tracing.intake.own(name, sampled=sampled)


def exposition(tracing: Tracing) -> list[str]:
    return fetch(tracing.stack.config.ports.exposition, "/metrics").splitlines()


def spans(tracing: Tracing, metric: str, holding: str = "") -> dict[tuple[str, str, str], int]:
    """A span metric's samples that have *holding* among their labels, by service, span and status."""
    found = {}
    for line in exposition(tracing):
        if line.startswith(f"traces_span_metrics_{metric}{{") and holding in line:
            labels = dict(part.split("=") for part in line[line.index("{") + 1 : line.index("}")].split(","))
            service, span, status = (labels[name].strip('"') for name in ("service_name", "span_name", "status_code"))
            found[service, span, status] = int(float(line.rsplit(" ", 1)[1]))
    return found
