"""The waterfall in the terminal: what is on it, at any width, and that no text of a trace commands the terminal."""

import io

import pytest
from rich.console import Console

from cdb.trace.drawing import draw
from cdb.trace.model import Span, Trace
from cdb.trace.waterfall import rows
from tests.unit.cdb.trace.building import WHOLE, sending, span, trace


def drawn(made: Trace, width: int = 160, *, colours: bool = False) -> list[str]:
    screen = io.StringIO()
    draw(made, Console(file=screen, width=width, force_terminal=colours, color_system="standard" if colours else None))
    return screen.getvalue().splitlines()


def line_of(made: Trace, name: str) -> str:
    return next(line for line in drawn(made) if name in line)


def test_each_span_has_its_line_and_waiting_on_the_bus_one_of_its_own() -> None:
    names = [row.name for row in rows(WHOLE)]
    assert names == [
        "signal.generate", "send signals", "on the bus (signals)", "process signals", "risk.decide", "risk.read_state",
        "risk.layer 1 passed", "risk.write", "send orders", "on the bus (orders)", "process orders", "order.execute",
    ]  # fmt: skip
    waits = {row.name: (row.begin_us, row.duration_us) for row in rows(WHOLE) if row.waiting}
    assert waits == {"on the bus (signals)": (1_000, 4_000), "on the bus (orders)": (309_800, 2_200)}


def test_a_line_says_service_span_offset_duration_and_what_it_took_itself() -> None:
    words = line_of(WHOLE, "risk.decide").split()
    assert (words[0], words[1], words[2:4], words[-4:]) == (
        "cdb_risk", "risk.decide", ["6.00", "ms"], ["303", "ms", "490", "µs"],
    )  # fmt: skip


def test_the_bar_lies_where_the_span_ran_and_is_heavy_where_the_critical_path_was_in_it() -> None:
    read, decide = line_of(WHOLE, "risk.read_state"), line_of(WHOLE, "risk.decide")
    assert read.count("█") > 70
    assert "─" not in read
    assert decide.count("─") > 70
    assert line_of(WHOLE, "order.execute").index("█") > read.rindex("█")


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_of_the_waterfall_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn(WHOLE, width)
    begin = next(number for number, line in enumerate(lines) if "service" in line)
    table = lines[begin : begin + 1 + len(rows(WHOLE))]
    assert max(map(len, table)) <= width
    assert len([line for line in table if "█" in line or "─" in line or "┅" in line]) >= 12


def test_a_span_that_failed_is_red_and_says_why() -> None:
    bad = span("process orders", 0, 10, otel__status_code="ERROR", error__type="ServerAway")
    (line,) = [line for line in drawn(trace(bad), colours=True) if "process orders" in line]
    assert "\x1b[31mprocess orders: ServerAway" in line


def test_what_one_would_search_for_stands_above_it() -> None:
    head = " ".join(drawn(WHOLE)[:2])
    assert "98e1ccb36de61d3fb39a380b12ba0513" in head
    assert "kept: slow" in head
    assert "symbol BTCUSDT" in head
    assert "verdict approved" in head


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ((span("a", 0, 10), span("late", 5, 7, below="lost")), "1 without its parent, late or lost: late"),
        ((span("a", 0, 10), span("b", -5, 7, below="a")), "1 before its parent, so clocks disagree: b"),
    ],
)
def test_what_is_wrong_with_a_trace_is_said_below_it(spans: tuple[Span, ...], said: str) -> None:
    assert drawn(trace(*spans))[-1] == said


def test_text_from_a_trace_cannot_command_the_terminal() -> None:
    said = {"cdb__symbol": "[red]\x1b[31m", "otel__status_code": "ERROR", "error__type": "\x1b[1m\n"}
    hostile = span("\x1b[2J", 0, 10, service="[b]\x1b]0", **said)
    text = "\n".join(drawn(trace(hostile)))
    assert "\x1b" not in text
    assert "[red]\\x1b[31m" in text
    assert "[b]\\x1b]0" in text


def test_a_trace_of_no_duration_and_one_of_a_sender_alone_can_be_drawn() -> None:
    assert "signal.generate" in "\n".join(drawn(trace(span("signal.generate", 0, 0))))
    assert "send signals" in "\n".join(drawn(trace(sending("signals", 0, 1, below="lost"))))
