"""A span beside the usual: quantiles from buckets, how far it is over the median, and where the time went."""

import math
from dataclasses import replace

import pytest

from cdb.kit.prometheus import Sample
from cdb.trace.baseline import Baseline, Kind, Quantile, from_samples, prefer, quantile
from cdb.trace.comparison import compare, deviation, sentence
from tests.unit.cdb.trace.building import WHOLE, span, trace

INF = math.inf
BUCKETS = [(0.001, 10.0), (0.002, 60.0), (0.005, 100.0), (INF, 100.0)]


def usually(milliseconds: float, *, at_most: bool = False) -> Baseline:
    return Baseline(Quantile(milliseconds * 1_000, at_most=at_most), Quantile(milliseconds * 3_000), 100)


USUAL: dict[Kind, Baseline] = {
    ("cdb_risk", "risk.decide"): usually(4),
    ("cdb_risk", "risk.read_state"): usually(2),
    ("cdb_risk", "risk.layer"): usually(0.1, at_most=True),
    ("cdb_execution", "order.execute"): usually(9),
}


@pytest.mark.parametrize(
    ("share", "buckets", "found"),
    [
        (0.5, BUCKETS, Quantile(1_800)),
        (0.95, BUCKETS, Quantile(4_625)),
        (0.05, BUCKETS, Quantile(1_000, at_most=True)),
        (0.5, [(0.001, 0.0), (INF, 5.0)], Quantile(1_000, at_least=True)),
        (0.5, [(0.001, 5.0), (INF, 5.0)], Quantile(1_000, at_most=True)),
        (0.5, [(0.001, 0.0), (0.002, 0.0), (0.005, 4.0), (INF, 4.0)], Quantile(3_500)),
    ],
)
def test_a_quantile_is_as_exact_as_its_bucket(
    share: float, buckets: list[tuple[float, float]], found: Quantile
) -> None:
    made = quantile(share, buckets)
    assert (made.at_most, made.at_least) == (found.at_most, found.at_least)
    assert made.microseconds == pytest.approx(found.microseconds)


def test_buckets_of_one_kind_of_span_are_put_together_and_a_kind_without_spans_is_left_out() -> None:
    some = [("risk.decide", "0.002", 4.0), ("risk.decide", "+Inf", 4.0), ("risk.decide", "0.001", 0.0)]
    none = [("risk.write", "0.001", 0.0), ("risk.write", "+Inf", 0.0), ("risk.wait", "+Inf", math.nan)]
    samples = [
        Sample({"service_name": "cdb_risk", "span_name": name, "le": bound}, 0.0, value)
        for name, bound, value in [*some, *none]
    ]
    found = from_samples(samples)
    assert list(found) == [("cdb_risk", "risk.decide")]
    assert found["cdb_risk", "risk.decide"].count == 4
    assert found["cdb_risk", "risk.decide"].median.microseconds == pytest.approx(1_500)


def test_the_hour_before_a_trace_goes_before_the_last_hour() -> None:
    """Which has the trace itself in it."""
    decide, write = ("cdb_risk", "risk.decide"), ("cdb_risk", "risk.write")
    found = prefer({decide: usually(4)}, {decide: usually(300), write: usually(2)})
    assert found == {decide: usually(4), write: replace(usually(2), later=True)}


@pytest.mark.parametrize(
    ("took", "median", "over"),
    [
        (5_000, Quantile(2_000), 3_000),
        (1_000, Quantile(2_000), -1_000),
        (40, Quantile(100, at_most=True), 0),  # within what is not known more closely
        (500, Quantile(100, at_most=True), 400),
        (9_000, Quantile(10_000, at_least=True), -1_000),
        (12_000, Quantile(10_000, at_least=True), 0),
    ],
)
def test_a_deviation_is_only_what_is_certain(took: int, median: Quantile, over: int) -> None:
    assert deviation(took, median) == over


def test_the_span_furthest_over_its_median_comes_first_and_those_without_history_last() -> None:
    rows = compare(WHOLE, USUAL)
    assert [row.span.name for row in rows[:4]] == ["risk.decide", "risk.read_state", "risk.layer", "order.execute"]
    assert [row.deviation_us for row in rows[:4]] == [299_000, 298_000, 0, -2_100]
    assert {row.deviation_us for row in rows[4:]} == {None}
    assert len(rows) == len(WHOLE.spans)


def test_one_sentence_says_where_the_time_of_the_decision_and_of_all_went() -> None:
    assert sentence(WHOLE, compare(WHOLE, USUAL)) == (
        "The decision took 303 ms, 300 ms of it in risk.read_state, which usually takes 2.00 ms; "
        "that is 94% of the 320 ms in all."
    )


def test_without_history_the_sentence_says_so() -> None:
    assert "300 ms of it in risk.read_state, which has no history;" in sentence(WHOLE, compare(WHOLE, {}))


def test_what_took_longest_after_the_decision_is_said_beside_it() -> None:
    slow_fill = trace(*WHOLE.spans, span("process fills", 320_000, 920_000, below="order.execute"))
    assert sentence(slow_fill, compare(slow_fill, USUAL)) == (
        "The decision took 303 ms, 300 ms of it in risk.read_state, which usually takes 2.00 ms; "
        "of the 920 ms in all 600 ms went into process fills of cdb_risk, which has no history."
    )


def test_what_went_into_waiting_is_called_waiting() -> None:
    from_send = [one for one in WHOLE.spans if one.name in {"signal.generate", "send signals"}]
    late = trace(*from_send, span("process signals", 900_000, 910_000, below="send signals"))
    assert sentence(late, compare(late, {})) == (
        "Of the 910 ms in all 899 ms went into waiting on the bus (signals) after send signals of cdb_core."
    )


def test_what_no_span_was_recorded_for_is_called_that() -> None:
    torn = trace(span("root", 0, 1), span("late", 500, 501, below="lost"))
    assert sentence(torn, compare(torn, {})) == "Of the 501 µs in all 499 µs went into time that no span covers."
