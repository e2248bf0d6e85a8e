"""Orders without a final state are sent again, but not over and over."""

from opentelemetry.trace import SpanContext

from services.risk.resender import Resender
from tests.support.building import an_order

ONE, TWO = an_order(order_id="order:1"), an_order(order_id="order:2")


def test_order_that_this_process_has_not_sent_is_sent_at_once() -> None:
    assert Resender().due([ONE, TWO]) == [ONE, TWO]


def test_order_that_was_just_sent_is_given_time() -> None:
    resender = Resender()
    resender.sent(ONE.order_id)
    assert resender.due([ONE, TWO]) == [TWO]
    assert resender.due([ONE, TWO]) == []


def test_order_that_has_become_final_is_forgotten() -> None:
    resender = Resender()
    resender.sent(ONE.order_id)
    assert resender.due([]) == []
    assert resender.due([ONE]) == [ONE]


def test_order_sent_again_goes_on_in_the_trace_that_placed_it_until_it_is_final() -> None:
    """Whoever looks for what became of a decision finds the second try, too."""
    resender = Resender()
    cause = SpanContext(1, 2, is_remote=False)
    resender.sent(ONE.order_id, cause)
    assert resender.due([ONE]) == []
    assert resender.cause(ONE.order_id) is cause
    assert resender.cause(TWO.order_id) is None
    resender.due([])
    assert resender.cause(ONE.order_id) is None
