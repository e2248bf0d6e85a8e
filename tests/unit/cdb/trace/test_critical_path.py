"""The critical path covers each moment of a trace once, and says who was at work or what was waited for."""

from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cdb.trace.critical_path import Part, critical_path
from cdb.trace.model import Span
from cdb.trace.tree import grow, self_time, walk
from tests.unit.cdb.trace.building import WHOLE, ZERO, sending, span, trace


def path(*spans: Span) -> list[tuple[str, int, int]]:
    return [_read(part) for part in critical_path(grow(trace(*spans)))]


def _read(part: Part) -> tuple[str, int, int]:
    name = part.node.span.name if part.node else "nothing"
    return (f"after {name}" if part.waiting else name), part.begin_us - ZERO, part.end_us - ZERO


def test_it_leads_from_the_signal_to_the_fill_through_what_was_waited_for() -> None:
    assert path(*WHOLE.spans) == [
        ("signal.generate", 0, 300),
        ("send signals", 300, 1_000),
        ("after send signals", 1_000, 5_000),
        ("process signals", 5_000, 6_000),
        ("risk.read_state", 6_000, 306_000),
        ("risk.layer", 306_000, 306_010),
        ("risk.decide", 306_010, 306_500),
        ("risk.write", 306_500, 309_000),
        ("process signals", 309_000, 309_200),  # the decision has ended, its caller publishes the order
        ("send orders", 309_200, 309_800),
        ("after send orders", 309_800, 312_000),  # although the sender's caller is still at work
        ("process orders", 312_000, 312_100),
        ("order.execute", 312_100, 319_000),
        ("process orders", 319_000, 320_000),
    ]


def test_of_children_at_the_same_time_the_one_that_ended_last_was_waited_for() -> None:
    """And before it began, the other one."""
    made = (span("root", 0, 100), span("a", 10, 60, below="root"), span("b", 40, 90, below="root"))
    assert path(*made) == [("root", 0, 10), ("a", 10, 40), ("b", 40, 90), ("root", 90, 100)]


def test_a_child_that_ran_beside_a_longer_one_is_not_on_it() -> None:
    made = (span("root", 0, 100), span("long", 10, 90, below="root"), span("short", 20, 80, below="root"))
    assert path(*made) == [("root", 0, 10), ("long", 10, 90), ("root", 90, 100)]


def test_a_child_whose_clock_is_behind_counts_from_its_parents_start() -> None:
    made = (span("root", 0, 100), span("child", -50, 60, below="root"))
    assert path(*made) == [("child", 0, 60), ("root", 60, 100)]


def test_a_branch_whose_parent_is_missing_is_on_it_after_a_stretch_of_which_nothing_is_known() -> None:
    assert path(span("root", 0, 100), span("late", 150, 200, below="lost")) == [
        ("root", 0, 100),
        ("after nothing", 100, 150),
        ("late", 150, 200),
    ]


def test_a_message_that_is_read_before_its_sender_ends_has_not_waited() -> None:
    assert path(sending("signals", 0, 100, below=""), span("process signals", 80, 200, below="send signals")) == [
        ("send signals", 0, 80),
        ("process signals", 80, 200),
    ]


def test_a_trace_that_took_no_time_has_no_path() -> None:
    assert path(span("root", 0, 0)) == []


thorough = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
_TIMES = st.tuples(st.integers(-300, 1_000), st.integers(0, 1_000))


@st.composite
def traces(draw: st.DrawFn) -> tuple[Span, ...]:
    """Any spans: orphans, children before, beside and after their parents, and after their senders."""
    made: list[Span] = []
    for number, (start, duration) in enumerate(draw(st.lists(_TIMES, min_size=1, max_size=12))):
        below = draw(st.sampled_from(["", "lost", *[one.span_id for one in made]]))
        kind = {"span__kind": "producer", "messaging__destination__name": "orders"} if draw(st.booleans()) else {}
        made.append(span(str(number), start, start + duration, below=below, **kind))
    return tuple(made)


@thorough
@given(traces())
def test_its_parts_follow_each_other_and_sum_to_the_whole_duration(spans: tuple[Span, ...]) -> None:
    roots = grow(trace(*spans))
    parts = critical_path(roots)
    begin, end = min(root.span.start_us for root in roots), max(root.ends_us for root in roots)
    assert sum(part.duration_us for part in parts) == end - begin
    assert all(before.end_us == after.begin_us for before, after in pairwise(parts))
    assert all(part.duration_us > 0 for part in parts)
    assert not parts or (parts[0].begin_us, parts[-1].end_us) == (begin, end)


@thorough
@given(traces())
def test_a_span_is_on_it_only_while_it_ran(spans: tuple[Span, ...]) -> None:
    working = [part for part in critical_path(grow(trace(*spans))) if not part.waiting]
    assume(working)
    for part in working:
        assert part.node is not None
        assert part.node.span.start_us <= part.begin_us < part.end_us <= part.node.span.end_us


@thorough
@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)), max_size=8))
def test_children_within_their_parent_make_a_path_as_long_as_it(children: list[tuple[int, int]]) -> None:
    """And the root is never on it for longer than it worked itself."""
    below = [span(str(number), min(times), max(times), below="root") for number, times in enumerate(children)]
    roots = grow(trace(span("root", 0, 1_000), *below))
    parts = critical_path(roots)
    root = next(node for node in walk(roots) if node.span.name == "root")
    assert sum(part.duration_us for part in parts) == root.span.duration_us
    assert sum(part.duration_us for part in parts if part.node is root) == self_time(root)
