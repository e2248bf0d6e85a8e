"""Call forms of prometheus_client beyond the handbook's section 4: what works as well, and what is refused how."""

import re
from fractions import Fraction
from importlib.resources import files
from itertools import count
from typing import Any

import pytest

from telemetry import metrics
from tests.integration.telemetry.migration.guide import GUIDE
from tests.unit.telemetry.isolated import isolated


def test_timer_decorates_a_function_and_times_each_call() -> None:
    with isolated() as box:

        @box.metrics.measure_risk_decision()
        def decide(signal: str, *, size: float) -> tuple[str, float]:
            """Decide."""
            return signal, size

        assert (decide("BUY", size=0.5), decide.__name__, decide.__doc__) == (("BUY", 0.5), "decide", "Decide.")
        assert box.value("cdb_risk_decision_duration_seconds_count") == 1


def test_calls_that_overlap_are_timed_each_from_its_own_start() -> None:
    ticks = count()
    with isolated() as box:

        @box.metrics.risk_decision_duration_seconds.time(clock=lambda: float(next(ticks)))
        def decide(depth: int) -> None:
            if depth:
                decide(depth - 1)

        decide(1)
        assert box.value("cdb_risk_decision_duration_seconds_count") == 2
        assert box.value("cdb_risk_decision_duration_seconds_sum") == (2 - 1) + (3 - 0)


def test_call_that_raises_is_timed_and_raises() -> None:
    with isolated() as box:

        @box.metrics.risk_state_update_duration_seconds.time()
        def update() -> None:
            raise KeyError

        with pytest.raises(KeyError):
            update()
        assert box.value("cdb_risk_state_update_duration_seconds_count") == 1


def test_any_real_number_is_recorded_whatever_its_class() -> None:
    """NumPy's numbers are of this kind: registered as real, most of them no float."""
    half: Any = Fraction(1, 2)
    with isolated() as box:
        box.metrics.update_drawdown(half)
        box.metrics.approved_order_size.labels(symbol="BTCUSDT").observe(half)
        box.metrics.orders_received.labels(symbol="BTCUSDT").inc(half)
        assert box.value("cdb_daily_drawdown_pct") == 0.5
        assert box.value("cdb_approved_order_size_sum", symbol="BTCUSDT") == 0.5


def test_type_checker_of_a_bot_is_told_that_telemetry_has_types() -> None:
    assert files("telemetry").joinpath("py.typed").is_file()


def test_positional_labels_are_refused() -> None:
    wrong: Any = metrics.orders_received
    with pytest.raises(TypeError, match="positional argument"):
        wrong.labels("BTCUSDT")


@pytest.mark.parametrize("name", ["count_exceptions", "track_inprogress", "set_to_current_time", "remove", "clear"])
def test_call_that_is_not_there_is_in_the_guide(name: str) -> None:
    assert re.search(rf"^\|.*`{name}\(\)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    for instrument in (metrics.orders_received, metrics.orders_received.family.only, metrics.daily_drawdown_pct):
        assert not hasattr(instrument, name)
