"""How the parts get on with each other where each has its documented port."""

import re

import pytest

from tests.support.waiting import until
from tests.system.documented.documented_stack import Documented

pytestmark = pytest.mark.e2e

ANSWERED = re.compile(r'^rpc_server_call_duration_count\{.*rpc_response_status_code="(\w+)".*\} (\d+)$', re.MULTILINE)
EXPORTS = 24
"""Six from each service: by then whoever is asked would have sent a trace of that."""


def answered(stack: Documented) -> dict[str, int]:
    """How many requests the collector has answered, by the code that it answered."""
    found: dict[str, int] = {}
    for code, count in ANSWERED.findall(stack.shell("curl -s http://localhost:8888/metrics").stdout):
        found[code] = found.get(code, 0) + int(count)
    return found


def test_no_part_sends_the_collector_what_it_turns_away(stack: Documented) -> None:
    """Jaeger would send traces of its own to port 4317 of its machine, without a token."""
    until(lambda: answered(stack).get("OK", 0), what="a request that the collector has taken in")
    until(
        lambda: stack.shell("curl -s http://localhost:16686/api/services").stdout,
        holds=lambda said: '"cdb_risk"' in said,
        what="services that Jaeger knows",
    )
    before = answered(stack)["OK"]
    seen = until(lambda: answered(stack), holds=lambda now: now["OK"] >= before + EXPORTS, what="more exports")
    assert set(seen) == {"OK"}
