"""The tables of slow decisions and of what is unusual: text of a trace stays text, on a wide and a narrow terminal."""

import io
import json

import pytest
from rich.console import Console

from cdb.trace.comparison import compare
from cdb.trace.decisions import Slowest, decisions
from cdb.trace.model import Trace
from cdb.trace.view import comparison_as_json, show_comparison, show_slow, slow_as_json, trace_as_json
from tests.unit.cdb.trace.building import ID, WHOLE, span, trace

HOSTILE = trace(
    span(
        "risk.decide",
        0,
        90_000,
        service="[red]\x1b[31m",
        cdb__symbol="[bold]\x1b[2J",
        cdb__reason="\u202e",
        cdb__kept="[b]",
    )
)


def listed(made: Trace, width: int = 200) -> str:
    screen = io.StringIO()
    show_slow(
        Slowest(tuple(decisions(made)), complete=True), Console(file=screen, width=width), over="50ms", since="1h"
    )
    return screen.getvalue()


def explained(made: Trace) -> str:
    screen = io.StringIO()
    show_comparison(made, compare(made, {}), Console(file=screen, width=200))
    return screen.getvalue()


def test_a_line_says_what_was_decided_how_long_it_took_and_where_most_of_it_went() -> None:
    (_, line) = listed(WHOLE).splitlines()
    for word in ("BTCUSDT", "approved", "303 ms", "300 ms risk.read_state", "slow", ID):
        assert word in line


@pytest.mark.parametrize("width", [80, 100])
def test_on_a_narrow_terminal_there_is_enough_of_the_id_to_find_it_by(width: int) -> None:
    lines = listed(WHOLE, width).splitlines()
    assert max(map(len, lines)) <= width
    assert ID[:8] in "\n".join(lines)


def test_that_there_are_more_than_could_be_looked_at_is_said() -> None:
    screen = io.StringIO()
    show_slow(
        Slowest(tuple(decisions(WHOLE)), complete=False), Console(file=screen, width=200), over="50ms", since="1h"
    )
    assert "Too many decisions to search them all" in screen.getvalue()


@pytest.mark.parametrize("show", [listed, explained])
def test_text_from_a_trace_is_shown_as_it_is(show: object) -> None:
    assert callable(show)
    text = show(HOSTILE)
    assert not set(text) & {"\x1b", "\u202e"}
    assert "[b]" in text
    assert ("[bold]\\x1b[2J" in text) or ("[red]\\x1b[31m" in text)


def test_json_has_what_is_shown_in_plain_numbers() -> None:
    """Milliseconds; null for what is not known, and nothing that JSON does not have."""
    found = json.loads(
        json.dumps(slow_as_json(Slowest(tuple(decisions(WHOLE)), complete=True), over_us=50_000, since_us=10**9))
    )
    (one,) = found["decisions"]
    assert (one["trace_id"], one["symbol"], one["duration_ms"]) == (ID, "BTCUSDT", 303.0)
    assert one["most"] == {"span": "risk.read_state", "service": "cdb_risk", "self_ms": 300.0}
    assert one["reason"] is None
    drawn = json.loads(json.dumps(trace_as_json(WHOLE)))
    assert sum(part["duration_ms"] for part in drawn["critical_path"]) == pytest.approx(drawn["duration_ms"])
    assert [one["waited_on_bus_ms"] for one in drawn["spans"] if one["waited_on_bus_ms"]] == [4.0, 2.2]
    against = json.loads(json.dumps(comparison_as_json(WHOLE, compare(WHOLE, {}))))
    assert {one["median"] for one in against["spans"]} == {None}
