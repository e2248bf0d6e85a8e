"""What a trace shows of one decision: where its time went, and all that one would search for."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from opentelemetry.trace import Span, SpanContext

from services.ledger.statements import record_statement
from services.messages import Signal, order_id_of_signal
from services.risk.rules import Rejected, Verdict
from telemetry import tracing
from telemetry.tracing import Attributes

LEAST_WAIT_NS: Final = 1_000_000
"""A shorter wait for the others of a batch explains nothing."""
DETAILED_BATCH: Final = 20
"""In a larger one time goes into waiting for the others, and six spans a signal would be most of what it costs."""


class Times(NamedTuple):
    """When a batch of decisions began, had read the ledger, began to write and had committed; ns since 1970."""

    began: int
    read: int
    writing: int
    committed: int


def describe(span: Span, signal: Signal, verdict: Verdict, row: Mapping[str, Any]) -> None:
    """Give risk.decide the attributes of its verdict; equity and exposures are in the quote asset, as in *row*."""
    attributes: dict[str, str | int | float] = {
        name: float(row[column])
        for name, column in (
            ("cdb.equity", "equity"),
            ("cdb.exposure_before", "exposure_before"),
            ("cdb.exposure_after", "exposure_after"),
        )
    }
    if isinstance(verdict, Rejected):
        attributes |= {"cdb.verdict": "rejected", "cdb.reason": verdict.reason.value}
        if verdict.layer is not None:
            attributes["cdb.layer"] = verdict.layer
    else:
        attributes |= {"cdb.verdict": "approved", "cdb.order_id": order_id_of_signal(signal.signal_id)}
    span.set_attributes(attributes)


def record_steps(parent: SpanContext, verdict: Verdict, answers: Sequence[int], times: Times, *, batch: int) -> None:
    """Record what a decision's time went into, below *parent*, its risk.decide.

    *answers* holds when the first layer was asked, and then when each layer had answered. In a batch of more than
    DETAILED_BATCH only the layer that objected is shown. Reading and writing are the
    same for all *batch* decisions, and each of them waits for the layers of the others.
    """
    if not parent.trace_flags.sampled:
        return
    record_statement("risk.read_state", parent, times.began, times.read, prepared="risk_book", batch_size=batch)
    _record_wait(parent, times.read, answers[0], batch)
    objecting = verdict.layer if isinstance(verdict, Rejected) else None
    asked = answers[: objecting + 1] if objecting else answers
    for layer, (asked_ns, answered_ns) in enumerate(pairwise(asked), start=1):
        if batch <= DETAILED_BATCH or layer == objecting:
            attributes: Attributes = {"cdb.layer": layer, "cdb.result": "failed" if layer == objecting else "passed"}
            tracing.record("risk.layer", parent, asked_ns, answered_ns, attributes=attributes)
    _record_wait(parent, answers[-1], times.writing, batch)
    record_statement("risk.write", parent, times.writing, times.committed, prepared="risk_write", batch_size=batch)


def _record_wait(parent: SpanContext, began_ns: int, ended_ns: int, batch: int) -> None:
    if batch > 1 and ended_ns - began_ns >= LEAST_WAIT_NS:
        tracing.record("risk.wait_for_batch", parent, began_ns, ended_ns, attributes={"cdb.batch_size": batch})
