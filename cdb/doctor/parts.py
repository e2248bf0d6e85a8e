"""Whether everything is up, and Prometheus reaches it."""

import re
from typing import Final

from cdb.doctor import watched
from cdb.doctor.findings import Finding, fail, ok
from cdb.running.base import RunningStack
from services.topology import NAMES

_LEAST_NAMES: Final = 10  # of cdb_* that a service's own /metrics shows (handbook, 4.5)
_NAME: Final = re.compile(r"^# TYPE (cdb_\w+) ", re.MULTILINE)


def parts(stack: RunningStack) -> Finding:
    """Every part is healthy, as its own probe sees it: servers with the password, programs by their /health."""
    seen, unbuilt = stack.parts(), stack.unbuilt()
    sick = [
        f"{part.name}: {part.health.detail or part.state}"
        for part in seen
        if not part.ready and part.name not in unbuilt
    ]
    if sick or not seen:
        return fail("; ".join(sick) or "nothing runs", stack.where_to_look)
    for missing in unbuilt.values():
        raise missing
    return ok(f"{len(seen)} of {len(seen)} healthy")


def targets(stack: RunningStack) -> Finding:
    """Prometheus reaches every target that is in the project's files."""
    return watched.targets(stack.prometheus, stack.root)


def endpoints(stack: RunningStack) -> Finding:
    """Each service shows its own /metrics."""
    counts: dict[str, int] = {}
    for service in NAMES:
        answer = stack.http.get(stack.url(service, "/metrics"))
        counts[service] = len(set(_NAME.findall(answer.text))) if answer.is_success else 0
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    if few := [name for name, count in counts.items() if count < _LEAST_NAMES]:
        return fail(
            f"less than {_LEAST_NAMES} cdb_* metrics at {', '.join(few)} ({said})",
            f"curl -s {stack.url(few[0], '/metrics')}",
        )
    return ok(said)
