"""Whether a decision can be followed from signal to fill."""

import time
from typing import Final

from cdb.doctor.findings import Finding, fail, ok
from cdb.doctor.uptime import uptime_s
from cdb.running.base import RunningStack
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import Trace
from services.topology import CORE, EXECUTION, RISK

_STEPS: Final = ("signal.generate", "risk.decide", "order.execute")
_SERVICES: Final = (CORE.name, RISK.name, EXECUTION.name)
_SINCE_S: Final = 3600.0
_LIMIT: Final = 20
_US: Final = 1_000_000


def end_to_end(stack: RunningStack) -> Finding:
    """Jaeger has a trace of the last hour, and since the start, through all three services without a gap."""
    now = time.time()
    since_s = min(_SINCE_S, uptime_s(stack))
    start_us, end_us = int((now - since_s) * _US), int(now * _US)
    with Jaeger(stack.url("jaeger")) as jaeger:
        found = jaeger.find(_SERVICES[-1], start_us=start_us, end_us=end_us, limit=_LIMIT, operation=_STEPS[-1])
    whole = [trace for trace in found if is_whole(trace)]
    if whole:
        newest = max(whole, key=lambda trace: trace.start_us)
        age = now - newest.start_us / _US
        return ok(f"{newest.trace_id}: {len(newest.spans)} spans in {len(_SERVICES)} services, {age:.0f} s ago")
    if found:
        return fail(
            f"{len(found)} traces of the last {since_s:.0f} s, none of them whole from {_STEPS[0]} to {_STEPS[-1]}",
            f"cdb trace show {found[0].trace_id[:8]}; monitoring/runbooks/TracesLost.md",
        )
    return fail(
        f"no trace of an executed order in the last {since_s:.0f} s",
        "wait a minute after a start; then check that CDB_TRACING is 1; monitoring/runbooks/TracesLost.md",
    )


def is_whole(trace: Trace) -> bool:
    """Whether a trace has every step in its service and every span's parent."""
    steps = {(span.service, span.name) for span in trace.spans}
    known = {span.span_id for span in trace.spans}
    return steps.issuperset(zip(_SERVICES, _STEPS, strict=True)) and all(
        span.parent_id in known for span in trace.spans if span.parent_id
    )
