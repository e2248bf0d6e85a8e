"""Whether a decision can be followed from signal to fill."""

from cdb.doctor import watched
from cdb.doctor.findings import Finding
from cdb.doctor.uptime import uptime_s
from cdb.running.base import RunningStack
from cdb.trace.jaeger import Jaeger


def end_to_end(stack: RunningStack) -> Finding:
    """Jaeger has a trace of the last hour, and since the start, through all three services without a gap."""
    with Jaeger(stack.url("jaeger")) as jaeger:
        return watched.end_to_end(jaeger, uptime_s=uptime_s(stack))
