"""How long the services have been running: what Prometheus and Jaeger have from before says nothing of today's."""

import re
import time
from typing import Final

import httpx

from cdb.kit.errors import Away
from cdb.running.base import RunningStack
from services.topology import NAMES

_STARTED: Final = re.compile(r"^process_start_time_seconds (\S+)$", re.MULTILINE)


def uptime_s(stack: RunningStack) -> float:
    """Seconds since the last start of a service, by each one's own /metrics. Raises Away."""
    return max(0.0, time.time() - max(_started(stack, service) for service in NAMES))


def own_metrics(stack: RunningStack, service: str) -> str:
    """Read what *service* itself shows, whatever Prometheus has. Raises Away."""
    address = stack.url(service, "/metrics")
    try:
        return stack.http.get(address).text
    except httpx.HTTPError as error:
        raise Away(f"{service} at {address} does not answer: {error or type(error).__name__}") from error


def _started(stack: RunningStack, service: str) -> float:
    found = _STARTED.search(own_metrics(stack, service))
    if not found:
        raise Away(f"{stack.url(service, '/metrics')} does not show process_start_time_seconds: is it {service}?")
    return float(found[1])
