"""What the trace of an order's execution shows of the ledger."""

import pytest

from services.execution.trace import end_order
from telemetry import tracing
from tests.support.spans import Spans
from tests.support.trace_steps import Written, steps_below


@pytest.mark.parametrize("read", [{"read": 2}, {}], ids=["read", "known"])
def test_the_account_is_shown_as_read_only_if_it_was(spans: Spans, read: dict[str, int]) -> None:
    execution = tracing.tracer().start_span("order.execute")
    end_order(execution, None, Written(**read, writing=20, committed=23), batch=1)
    reads = [("execution.read_state", 0, moment) for moment in read.values()]
    assert steps_below(spans, "order.execute") == [*reads, ("execution.write", 20, 23)]
