"""The stack that is up already, however it was started: CDB_STACK=native or compose, then `pytest -m e2e`."""

from collections.abc import Iterator
from typing import Final

import pytest

from cdb.kit.errors import Away
from cdb.kit.prometheus import Prometheus
from cdb.running import stack
from cdb.running.native import StackError
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

RISING: Final = ("cdb_signals_generated_total", "cdb_orders_approved_total", "cdb_trades_executed_total")


@pytest.fixture
def running_stack() -> Iterator[Prometheus]:
    """Hand out the Prometheus of the stack that is up."""
    try:
        url = stack.running_stack().url("prometheus")
    except StackError as error:
        pytest.fail(str(error), pytrace=False)
    with Prometheus(url) as prometheus:
        yield prometheus


@pytest.mark.parametrize("metric", RISING)
def test_signals_approvals_and_trades_rise(running_stack: Prometheus, metric: str) -> None:
    before = total(running_stack, metric)
    until(
        lambda: total(running_stack, metric),
        holds=lambda now: now > before,
        within_s=180,
        what=f"a rise of {metric} over {before:g}",
        every_s=1,
    )


def total(prometheus: Prometheus, metric: str) -> float:
    """The sum of all series of *metric*; below 0 while there is none."""
    try:
        found = prometheus.query(f"sum({metric})")
    except Away as away:
        pytest.fail(f"no stack is up: {away}", pytrace=False)
    return found[0].value if found else -1.0
