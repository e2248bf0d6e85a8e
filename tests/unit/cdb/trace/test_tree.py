"""A trace's spans find their places, also where it is broken, and each has its own time."""

import pytest

from cdb.trace.decisions import decisions, longest_step
from cdb.trace.model import Span
from cdb.trace.tree import covered, grow, self_time, walk
from tests.unit.cdb.trace.building import WHOLE, span, trace


def names(*spans: Span) -> list[str]:
    return [f"{'.' * node.depth}{node.span.name}" for node in walk(grow(trace(*spans)))]


def test_spans_hang_below_their_parents_in_the_order_of_their_starts_however_they_come() -> None:
    drawn = names(*WHOLE.spans)
    assert drawn == names(*reversed(WHOLE.spans))
    assert drawn[:5] == [
        "signal.generate",
        ".send signals",
        "..process signals",
        "...risk.decide",
        "....risk.read_state",
    ]


def test_a_span_without_its_parent_begins_a_branch_of_its_own_and_is_called_an_orphan() -> None:
    roots = grow(trace(span("root", 0, 10), span("late", 5, 7, below="not there"), span("child", 6, 7, below="late")))
    assert [(root.span.name, root.orphan) for root in roots] == [("root", False), ("late", True)]
    assert [node.span.name for node in walk(roots)] == ["root", "late", "child"]


@pytest.mark.parametrize(
    "spans",
    [
        (span("a", 0, 10, below="a"),),
        (span("a", 0, 10, below="b"), span("b", 1, 9, below="a")),
        (span("a", 0, 10, below="c"), span("b", 1, 9, below="a"), span("c", 2, 8, below="b")),
    ],
)
def test_spans_in_a_circle_are_all_there_once(spans: tuple[Span, ...]) -> None:
    nodes = list(walk(grow(trace(*spans))))
    assert sorted(node.span.name for node in nodes) == [one.name for one in spans]
    assert [node.orphan for node in nodes] == [True] + [False] * (len(spans) - 1)


def test_a_span_that_came_twice_counts_once() -> None:
    assert names(span("root", 0, 10), span("child", 2, 4, below="root"), span("child", 2, 4, below="root")) == [
        "root",
        ".child",
    ]


def test_a_very_deep_trace_is_no_reason_to_fail() -> None:
    chain = [span("0", 0, 1)] + [span(str(depth), depth, depth + 1, below=str(depth - 1)) for depth in range(1, 3_000)]
    roots = grow(trace(*chain))
    assert sum(1 for _ in walk(roots)) == 3_000
    assert roots[0].ends_us == chain[-1].end_us


@pytest.mark.parametrize(
    ("children", "own"),
    [
        ([], 100),
        ([(10, 30), (50, 60)], 70),
        ([(10, 50), (30, 60)], 50),  # at the same time
        ([(10, 50), (20, 30)], 60),  # one within the other
        ([(-50, 20), (90, 300)], 70),  # clocks disagree, and what goes on afterwards
        ([(200, 300)], 100),  # only what it led to
        ([(40, 40)], 100),
    ],
)
def test_self_time_is_what_no_child_covers(children: list[tuple[int, int]], own: int) -> None:
    below = [span(str(number), *times, below="root") for number, times in enumerate(children)]
    node = next(node for node in walk(grow(trace(span("root", 0, 100), *below))) if node.span.name == "root")
    assert self_time(node) == own


def test_what_ends_before_it_begins_covers_nothing() -> None:
    assert covered([(5, 3), (7, 9)]) == 2


def test_most_of_a_decisions_time_is_in_the_step_that_took_it_and_not_in_what_it_led_to() -> None:
    (decision,) = decisions(WHOLE)
    assert (decision.longest.span.name, decision.longest.self_us) == ("risk.read_state", 300_000)


def test_what_happens_after_a_decision_has_ended_is_none_of_its_time() -> None:
    made = trace(
        span("risk.decide", 0, 100),
        span("risk.write", 10, 90, below="risk.decide"),
        span("send orders", 95, 5_000, below="risk.decide"),
    )
    assert [(one.longest.span.name, one.longest.self_us) for one in decisions(made)] == [("risk.write", 80)]


@pytest.mark.parametrize("steps", [(), (span("risk.read_state", 0, 20, below="risk.decide"),)])
def test_a_decision_whose_steps_took_less_than_the_rest_has_its_time_itself(steps: tuple[Span, ...]) -> None:
    (root,) = grow(trace(span("risk.decide", 0, 100), *steps))
    assert (longest_step(root).span.name, longest_step(root).self_us) == ("risk.decide", 80 if steps else 100)
