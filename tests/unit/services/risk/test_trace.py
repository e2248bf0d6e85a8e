"""How much of a decision its trace shows, by the size of the batch it was made in."""

import structlog

from services.risk.rules import Check, Reason, Rejected
from services.risk.trace import DETAILED_BATCH, end_decision
from services.runtime.logs import _add_trace
from telemetry import tracing
from tests.support.building import a_signal
from tests.support.spans import Spans, attributes, context_of, trace_of
from tests.support.trace_steps import MS, Written, steps_below

CHECKS = tuple(Check(layer, layer < 4, (4 + layer) * MS, (5 + layer) * MS) for layer in (1, 2, 3, 4))
REJECTED = Rejected("s-1", 4, Reason.EXPOSURE_LIMIT, CHECKS)
ROW = dict.fromkeys(("equity", "exposure_before", "exposure_after"), 0)


def steps(spans: Spans, *, batch: int, **read: int) -> list[tuple[str, int, int]]:
    decision = tracing.tracer().start_span("risk.decide")
    end_decision(decision, a_signal(), REJECTED, ROW, Written(**read, writing=20, committed=23), batch=batch)
    return steps_below(spans, "risk.decide")


def test_a_decision_made_alone_shows_each_layer_that_was_asked(spans: Spans) -> None:
    """Together the steps leave no gap that somebody would have to guess about."""
    assert steps(spans, batch=1, read=2) == [
        ("risk.read_state", 0, 2),
        ("risk.layer", 5, 6),
        ("risk.layer", 6, 7),
        ("risk.layer", 7, 8),
        ("risk.layer", 8, 9),
        ("risk.write", 20, 23),
    ]


def test_a_decision_in_a_large_batch_shows_the_objection_and_how_long_it_waited_for_the_others(spans: Spans) -> None:
    assert steps(spans, batch=DETAILED_BATCH + 1, read=2) == [
        ("risk.read_state", 0, 2),
        ("risk.wait_for_batch", 2, 5),
        ("risk.layer", 8, 9),
        ("risk.wait_for_batch", 9, 20),
        ("risk.write", 20, 23),
    ]
    (objection,) = spans.named("risk.layer")
    assert attributes(objection) == {"cdb.layer": 4, "cdb.result": "failed"}


def test_a_book_that_was_known_was_not_read(spans: Spans) -> None:
    assert [name for name, *_ in steps(spans, batch=1)] == [*["risk.layer"] * 4, "risk.write"]


def test_a_log_line_within_a_span_names_its_trace_and_the_span(spans: Spans) -> None:
    with tracing.tracer().start_as_current_span("x"):
        line = _add_trace(structlog.get_logger(), "info", {})
    (span,) = spans.all()
    assert line == {"trace_id": trace_of(span), "span_id": f"{context_of(span).span_id:016x}"}
