"""The slowest decisions are found although Jaeger gives the newest, and compares durations with any span's."""

from cdb.trace.decisions import Slowest, slowest
from cdb.trace.model import Span, Trace
from tests.unit.cdb.trace.building import span


class Newest:
    """Answers as Jaeger with badger does."""

    def __init__(self, *traces: Trace) -> None:
        self.traces = sorted(traces, key=lambda trace: -trace.start_us)
        self.asked = 0

    def find(
        self, service: str, *, start_us: int, end_us: int, limit: int, operation: str = "", least_us: int = 0
    ) -> tuple[Trace, ...]:
        assert (service, operation) == ("cdb_risk", "risk.decide")
        assert start_us < end_us
        self.asked += 1
        return tuple(one for one in self.traces if any(some.duration_us >= least_us for some in one.spans))[:limit]


def decision(number: int, milliseconds: int, *others: Span) -> Trace:
    start = number * 10_000_000
    return Trace(f"{number:032x}", (span("risk.decide", start, start + milliseconds * 1_000), *others))


def look(jaeger: Newest, *, limit: int = 2, page_size: int = 4) -> Slowest:
    return slowest(jaeger, over_us=50_000, start_us=0, end_us=1, limit=limit, page_size=page_size)


def took(found: Slowest) -> list[int]:
    return [one.span.duration_us // 1_000 for one in found.decisions]


def test_the_slowest_are_found_though_they_are_the_oldest_of_many() -> None:
    jaeger = Newest(decision(1, 5_000), decision(2, 900), *(decision(number, 60) for number in range(3, 30)))
    found = look(jaeger)
    assert (took(found), found.complete) == ([5_000, 900], True)
    assert jaeger.asked == 2


def test_what_is_known_to_be_too_fast_is_not_asked_for_again() -> None:
    many = (decision(number, 900) for number in range(2, 30))
    jaeger = Newest(decision(1, 5_000), *many, decision(30, 3_000), decision(31, 4_000))
    found = look(jaeger)
    assert (took(found), found.complete) == ([5_000, 4_000], True)
    assert jaeger.asked == 2


def test_where_some_may_be_missing_the_answer_is_not_called_complete() -> None:
    """The two slowest were found, a third one only among the newest."""
    jaeger = Newest(decision(1, 5_000), decision(2, 900), *(decision(number, 60) for number in range(3, 30)))
    found = look(jaeger, limit=5)
    assert took(found) == [5_000, 900, 60, 60, 60]
    assert not found.complete


def test_a_decision_at_the_limit_or_in_a_trace_that_is_slow_elsewhere_is_none() -> None:
    long = span("order.execute", 10_000_000, 19_000_000)
    found = look(Newest(decision(1, 5, long), decision(2, 50), decision(3, 51)))
    assert (took(found), found.complete) == ([51], True)


def test_nothing_is_asked_for_ever() -> None:
    """All traces as slow as can be."""
    found = look(Newest(*(decision(number, 9_000) for number in range(1, 50))))
    assert took(found) == [9_000, 9_000]
