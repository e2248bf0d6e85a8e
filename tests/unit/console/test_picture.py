"""The waterfall on a page: the terminal's rows as strokes."""

from cdb.trace.waterfall import rows
from console.traces.picture import MOST_DEPTH, MOST_ROWS, WIDTH, axis, bars
from tests.unit.cdb.trace.building import WHOLE, span, trace

WHOLE_US = WHOLE.end_us - WHOLE.start_us


def test_a_stroke_lies_where_its_span_ran_and_a_heavy_one_where_the_critical_path_was_in_it() -> None:
    drawn = {bar.row.name: bar for bar in bars(rows(WHOLE), WHOLE_US)}
    read, decide = drawn["risk.read_state"], drawn["risk.decide"]
    assert (read.whole.begin, read.whole.end) == (round(6_000 / 320, 1), round(306_000 / 320, 1))
    assert read.critical == (read.whole,)
    assert decide.kind == "working"
    assert sum(part.end - part.begin for part in decide.critical) < 10
    assert drawn["on the bus (signals)"].kind == "waiting"


def test_every_stroke_can_be_seen_and_is_on_the_picture() -> None:
    tiny = trace(span("a", 0, 0), span("b", 999_999, 1_000_000), span("c", 1_000_000, 1_000_000))
    for bar in [*bars(rows(tiny), 1_000_000), *bars(rows(trace(span("a", 0, 0))), 0)]:
        assert 0 <= bar.whole.begin < bar.whole.end <= WIDTH
        assert bar.whole.end - bar.whole.begin >= 3


def test_a_trace_of_very_many_and_very_deep_spans_is_cut() -> None:
    chain = [span(str(n), 0, 10, below=str(n - 1) if n else "") for n in range(MOST_ROWS + 5)]
    drawn = bars(rows(trace(*chain)), 10)
    assert len(drawn) == MOST_ROWS
    assert max(bar.depth for bar in drawn) == MOST_DEPTH


def test_the_axis_names_the_beginning_each_quarter_and_the_end() -> None:
    assert axis(320_000) == ["0 µs", "80.0 ms", "160 ms", "240 ms", "320 ms"]
